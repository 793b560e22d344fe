/** Launcher cards: the three ways to begin. */

import type { ILauncher } from '@jupyterlab/launcher';
import { CommandIds } from './command-ids';
import type { Desk } from './parts';

const CARDS = [CommandIds.exploreDataset, CommandIds.runBenchmark, CommandIds.createNotebook];

export function fillLauncher(launcher: ILauncher, desk: Desk): void {
  CARDS.forEach((command, rank) => {
    launcher.add({ command, rank, args: { isLauncher: true }, category: desk.trans.__('Workbench'), categoryRank: -1 });
  });
}
