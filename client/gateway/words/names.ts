/** ZooKeeper's four-letter words, by the number that their letters make (FourLetterCommands). */
export const WORDS = [
  'conf',
  'cons',
  'crst',
  'dirs',
  'dump',
  'envi',
  'gtmk',
  'hash',
  'isro',
  'mntr',
  'ruok',
  'srst',
  'srvr',
  'stat',
  'stmk',
  'wchc',
  'wchp',
  'wchs',
] as const;
export type Word = (typeof WORDS)[number];

const byNumber = new Map<number, Word>(WORDS.map((word) => [Buffer.from(word, 'latin1').readInt32BE(0), word]));

/** The word that the first four bytes of a connection are, if they are one. */
export function wordOf(number: number): Word | undefined {
  return byNumber.get(number);
}

export function isWord(text: string): text is Word {
  return (WORDS as readonly string[]).includes(text);
}
