import type { Table } from '../../core/ports.ts';

/**
 * Keys of an instance. The braces keep all of them on one node of a cluster; ACL rules can name `fk:{id}:*`.
 *
 * | key | what |
 * | --- | --- |
 * | `fk:{id}:gen` | the current generation, which names the namespace that counts; `asleep:<applied>`: none does, on purpose |
 * | `fk:{id}:g...:state` | hash: applied, zxid, format, sum |
 * | `fk:{id}:g...:t:<table>:<group>` | hash or atomic list of one group of a table |
 * | `fk:{id}:rebuild:g...` | lease of a rebuild that fills this namespace |
 * | `fk:{id}:lock:<name>` | timed lock; with `:fence` its counter of tokens |
 * | `fk:{id}:u:...`, `fk:{id}:p:...` | Hybrid user storage: see recordKeys in client/protocol |
 */
export function instanceKeys(instance: string) {
  const root = `fk:{${instance}}:`;
  return {
    root,
    generation: `${root}gen`,
    rebuild: (generation: string) => `${root}rebuild:${generation}`,
    namespace: (generation: string) => `${root}${generation}:`,
    /** Finds every key of every namespace. */
    namespacesPattern: `${root}g[0-9]*:*`,
    lock: (name: string) => `${root}lock:${name}`,
  } as const;
}

/** Key of a group within its namespace. */
export function groupKey(table: Table, group: string): string {
  return `t:${table}:${group}`;
}

/** The groups of these tables are atomic lists, the rest are plain hashes. */
const LISTS: ReadonlySet<Table> = new Set(['ephemeral', 'result', 'registration']);

export function isList(table: Table): boolean {
  return LISTS.has(table);
}
