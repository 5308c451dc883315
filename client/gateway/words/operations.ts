/** How ZooKeeper calls a connection's last operation (FinalRequestProcessor). */
const NAMES: Readonly<Record<string, string>> = {
  NA: 'NA',
  ping: 'PING',
  create: 'CREA',
  create2: 'CREA',
  createContainer: 'CREA',
  createTTL: 'CREA',
  delete: 'DELE',
  exists: 'EXIS',
  getData: 'GETD',
  setData: 'SETD',
  getACL: 'GETA',
  setACL: 'SETA',
  getChildren: 'GETC',
  getChildren2: 'GETC',
  getAllChildrenNumber: 'GETACN',
  getEphemerals: 'GETE',
  sync: 'SYNC',
  check: 'CHEC',
  multi: 'MULT',
  multiRead: 'MLTR',
  reconfig: 'RECO',
  addWatch: 'ADDW',
  setWatches: 'SETW',
  setWatches2: 'STW2',
  checkWatches: 'CHKW',
  removeWatches: 'REMW',
  whoAmI: 'HOMI',
  auth: 'AUTH',
  closeSession: 'CLOS',
};

export function operationText(name: string): string {
  return NAMES[name] ?? name;
}
