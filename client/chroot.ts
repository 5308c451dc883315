import { isWithin, validatePath } from '@faaskeeper/protocol';

/** Maps the caller's paths to those of the instance, and back: the caller's `/` is the instance's `root`. */
export class Chroot {
  /** `` for none, else a path. */
  readonly root: string;

  /** @throws BadArgumentsError when it is not a valid path. */
  constructor(root: string | undefined) {
    if (root !== undefined) validatePath(root);
    this.root = root === undefined || root === '/' ? '' : root;
  }

  /** @throws BadArgumentsError when it is not a valid path. */
  toSystem(path: string, sequential = false): string {
    validatePath(path, sequential);
    if (this.root === '') return path;
    // A sequential node may be named by its number alone: `/a/`.
    return path === '/' && !sequential ? this.root : this.root + path;
  }

  contains(path: string): boolean {
    return this.root === '' || isWithin(path, this.root);
  }

  toUser(path: string): string {
    if (this.root === '' || !this.contains(path)) return path;
    return path.slice(this.root.length) || '/';
  }
}
