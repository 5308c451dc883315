import type { ServerPackage } from '../versions.ts';

export interface InstallContext {
  /** An empty directory of this install. */
  readonly into: string;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** One package manager. */
export interface Installer {
  readonly name: string;
  available(wanted: ServerPackage): Promise<boolean>;
  /** Installs the program and returns its path: inside `into`, or where the package manager put it. */
  install(wanted: ServerPackage, context: InstallContext): Promise<string>;
}
