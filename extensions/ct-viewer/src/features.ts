/** Every feature of the viewer, in the order in which they are drawn. */
import { boxes } from './boxes';
import { cine } from './cine';
import { compare } from './compare';
import { candidates } from './candidates';
import { contours } from './contours';
import { marksPanel } from './marks_panel';
import { measuring } from './measuring';
import type { Install } from './context';
import { labels } from './labels';
import { reading } from './reading';
import { montage } from './montage';
import { slab } from './slab';
import { volume } from './volume_layout';

export const FEATURES: readonly Install[] = [slab, cine, montage, compare, labels, boxes, contours, measuring, marksPanel, candidates, reading, volume];
