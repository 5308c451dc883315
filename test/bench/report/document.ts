import { readFile, writeFile } from 'node:fs/promises';

const begin = '<!-- bench:begin (npm run bench -- --write) -->';
const end = '<!-- bench:end -->';

/** The document with new tables between its markers. */
export function withTables(document: string, tables: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`The document has no lines '${begin}' and '${end}'`);
  return `${document.slice(0, from + begin.length)}\n\n${tables.trim()}\n\n${document.slice(to)}`;
}

export async function writeTables(path: string, tables: string): Promise<void> {
  await writeFile(path, withTables(await readFile(path, 'utf8'), tables));
}
