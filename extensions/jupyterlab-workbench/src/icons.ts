/** The icons of the workbench; each follows the theme's colours. */

import { LabIcon } from '@jupyterlab/ui-components';
import airlock from '../style/icons/airlock.svg';
import audit from '../style/icons/audit.svg';
import dataset from '../style/icons/dataset.svg';
import explore from '../style/icons/explore.svg';
import granted from '../style/icons/granted.svg';
import hidden from '../style/icons/hidden.svg';
import locked from '../style/icons/locked.svg';
import notebook from '../style/icons/notebook.svg';
import open from '../style/icons/open.svg';
import report from '../style/icons/report.svg';
import refused from '../style/icons/refused.svg';
import task from '../style/icons/task.svg';
import waiting from '../style/icons/waiting.svg';
import workbench from '../style/icons/workbench.svg';
import type { Standing } from './replies';

const icon = (name: string, svgstr: string): LabIcon => new LabIcon({ name: `workbench:${name}`, svgstr });

export const workbenchIcon = icon('workbench', workbench);
export const airlockIcon = icon('airlock', airlock);
export const auditIcon = icon('audit', audit);
export const datasetIcon = icon('dataset', dataset);
export const exploreIcon = icon('explore', explore);
export const notebookIcon = icon('notebook', notebook);
export const reportIcon = icon('report', report);
export const taskIcon = icon('task', task);

const lockedIcon = icon('locked', locked);
const refusedIcon = icon('refused', refused);

/** What stands before a dataset's name: may I read it? */
export const standingIcons: Record<Standing, LabIcon> = {
  open: icon('open', open),
  granted: icon('granted', granted),
  submitted: icon('waiting', waiting),
  none: lockedIcon,
  ended: lockedIcon,
  refused: refusedIcon,
  undisclosed: icon('hidden', hidden)
};
