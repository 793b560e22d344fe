/** The token under which the plugins share one desk. */

import { Token } from '@lumino/coreutils';
import type { Desk } from './parts';

export const IDesk = new Token<Desk>('ai4h-workbench:IDesk', 'The state and commands that every panel of the workbench shares.');
