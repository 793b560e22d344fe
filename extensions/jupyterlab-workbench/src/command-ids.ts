/** The names of the commands, apart from their code so that panels may call what calls panels. */

export const CommandIds = {
  showSidebar: 'workbench:show-sidebar',
  openDataset: 'workbench:open-dataset',
  openTask: 'workbench:open-task',
  openReport: 'workbench:open-ingest-report',
  openRequest: 'workbench:open-request',
  openRules: 'workbench:open-rules',
  openOffer: 'workbench:open-release',
  offerFiles: 'workbench:offer-files',
  runReport: 'workbench:run-report',
  openRun: 'workbench:open-run',
  openCrate: 'workbench:open-crate',
  openVerdict: 'workbench:open-verdict',
  reproduce: 'workbench:reproduce-crate',
  openAudit: 'workbench:open-audit',
  exploreDataset: 'workbench:explore-dataset',
  runBenchmark: 'workbench:run-benchmark',
  createNotebook: 'workbench:create-notebook',
  chooseAccount: 'workbench:choose-account',
  refresh: 'workbench:refresh'
} as const;
