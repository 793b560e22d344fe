import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
const p: JupyterFrontEndPlugin<void> = { id: 'ai4h-workbench:plugin', autoStart: true, activate: () => { console.log('hi'); } };
export default [p];
