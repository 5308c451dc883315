/** ZooKeeper's four-letter words. */
export { ANSWERS, monitored, notListed } from './answers.ts';
export { answerCommand, COMMANDS } from './commands.ts';
export { type Effects, type Facts, hex } from './facts.ts';
export { isWord, WORDS, type Word, wordOf } from './names.ts';
