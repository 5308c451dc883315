import { decode, type NodeMeta } from '@faaskeeper/protocol';
import type { SystemStore } from '../ports.ts';
import type { Subtree } from '../transactions/index.ts';

/** What each of these paths and all below it hold, by one look at all nodes; the caller finds out if they changed meanwhile. */
export async function countSubtrees(system: SystemStore, paths: readonly string[]): Promise<Subtree[]> {
  const counts = paths.map(() => ({ nodes: 0, bytes: 0 }));
  // A page may show a key twice while the table is resized.
  const seen = new Set<string>();
  for await (const page of system.scan('node', '')) {
    for (const [path, value] of page) {
      for (const [index, top] of paths.entries()) {
        if (path !== top && !path.startsWith(`${top}/`)) continue;
        const count = counts[index]!;
        if (seen.has(`${index} ${path}`)) continue;
        seen.add(`${index} ${path}`);
        count.nodes++;
        count.bytes += (decode(value, 'node') as NodeMeta).dataLength;
      }
    }
  }
  return counts.map(({ nodes, bytes }) => [nodes, bytes]);
}
