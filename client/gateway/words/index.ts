/** ZooKeeper's four-letter words. */
export { ANSWERS, type Effects, monitored, notListed } from './answers.ts';
export { type Facts, hex } from './facts.ts';
export { isWord, WORDS, type Word, wordOf } from './names.ts';
