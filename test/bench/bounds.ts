/** Every bound of the bench. Times are ms, sizes bytes. */
export const BENCH = {
  /** One round of one operation ends after so long, or so many operations. */
  roundMs: 100,
  /** But so many are done whatever they take (a 99th percentile of fewer says nothing). */
  leastOperations: 12,
  /** Operations of one round with one outstanding, and with many. */
  mostSequential: 2_000,
  mostOutstanding: 600,
  /** More than sixty-four requests on their way only with data up to so many bytes each. */
  smallBytes: 1024,
  /** Data that one round moves, and that waits for answers at a time. */
  roundBytes: 24 * 1024 * 1024,
  outstandingBytes: 16 * 1024 * 1024,
  /** Cached reads are counted in pieces of so many: looking at the clock for each costs as much as a read. */
  cachedPiece: 50,
  mostCached: 2_000_000,
  /** Nodes that reads and setData go round, as far as they fit nodeBytes (the near-cache holds them all). */
  nodes: 64,
  nodeBytes: 8 * 1024 * 1024,
  /** Children of each node that getChildren reads. */
  children: 10,
  childParents: 4,
  /** Creates measured at each end of the parent with many children, and children per multi while it is filled. */
  parentSamples: 100,
  parentMulti: 500,
  parentPipelined: 4,
  /** Filling ends after so long, unless the number of children was asked for: the run is to take four minutes. */
  parentFillMs: 100_000,
  /** Watch notifications, primitives and floors of one round. */
  watchEvents: 400,
  primitiveOperations: 300,
  floorOperations: 150,
  stageWrites: 60,
  /** Nothing happens for so long before a write "at rest". */
  restMs: 5,
  /** Elements of the list that the list operations work on. */
  listElements: 100,
  /** Traced writes of each size, and how long their spans may take to come. */
  tracedWrites: 40,
  spansMs: 10_000,
  /** Nodes that one multi of the operations sets, and most data of all of them. */
  multiNodes: 10,
  multiBytes: 900 * 1024,
  /** Messages that the queues carry to a function that does nothing, with so many on their way. */
  queueOutstanding: [1, 64, 256],
  queueOperations: 2_000,
  /** Requests on their way by sessions of the native client, and of how many requests read, in percent. */
  mixOutstanding: [1, 8, 64, 256],
  mixReads: [100, 99, 90, 50, 0],
  mixSessions: 8,
  mixRoundMs: 300,
  /** Writes that go on for so long, with so many on their way; to distinct nodes at most so many. */
  sustainedMs: 3_000,
  sustainedOutstanding: 64,
  distinctNodes: 20_000,
  /** Instances that are written to at once, with so many requests on their way in each. */
  instances: [1, 2, 4, 8],
  instanceOutstanding: 16,
  /** Idle instances that are declared to see what one costs, and how long it takes until they are all served. */
  idleInstances: 250,
  idleInstancesMs: 120_000,
  /** Lanes that nothing comes to rest by then (60 s). */
  idleRestMs: 90_000,
  /** Memory is looked at so often: longer than programs need to see that they are idle (60 s), and to collect garbage. */
  idleSamples: 16,
  idleSampleMs: 5_000,
  /** CPU of a system that does nothing is taken for so long. */
  idleMs: 15_000,
  /** Watchers of one node, and writes to it. */
  watchers: [1, 100, 10_000],
  fanoutWrites: 10,
  /** Connected sessions that do nothing but stay alive. */
  heartbeatSessions: [1, 100, 10_000],
  /** Starts of each function. */
  coldStarts: 5,
  /** Operations at each size of the tree, and children of one of its parents. */
  treeSamples: 100,
  treeParent: 1_000,
  /** Requests whose CPU time is taken for the cost model; Linux counts hundredths of a second. */
  costOperations: 3_000,
  /** Connections through the gateway, and of how many requests read, in percent. */
  gatewayConnections: [1, 8, 32, 128],
  gatewayReads: [100, 90, 0],
  gatewayRoundMs: 300,
  gatewayWarmMs: 1_000,
  /** Connected sessions that do nothing, and sessions that are opened and closed again, so many at a time. */
  idleSessions: 4_000,
  churnedSessions: 20_000,
  churnParallel: 64,
  /** No more come after so long. */
  churnMs: 20_000,
  /** What connecting left behind is gone after so long. */
  idleSettleMs: 2_000,
  /** The load generator opens thousands of sessions in less. */
  loadStuckMs: 300_000,
  /** No answer in so long: the run fails instead of hanging. */
  stuckMs: 60_000,
} as const;
