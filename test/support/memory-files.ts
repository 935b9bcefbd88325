import { basename, dirname } from 'node:path';
import type { FileStat, FileSystem, OpenFile } from '../../src/platform/file-system.ts';

/** Picks a whole number from 0 to `below` - 1: what of the unsynced survives a power loss; 0 is nothing. */
export type Choose = (below: number) => number;

/** Takes the numbers in turn, over and over. */
export function cycling(numbers: readonly number[]): Choose {
  let index = 0;
  return (below) => (numbers[index++ % numbers.length] ?? 0) % below;
}

/** Some ways to lose what is not synced; each is made anew for a power loss. */
export const LOSSES: Readonly<Record<string, () => Choose>> = {
  'nothing unsynced survives': () => cycling([0]),
  'names survive but not bytes': () => (below) => (below === 2 ? 1 : 3),
  'every second change survives': () => cycling([0, 1]),
  'every other second change survives': () => cycling([1, 0]),
};

interface MemoryFile {
  readonly kind: 'file';
  bytes: Buffer;
  /** What the last sync made durable. */
  synced: Buffer;
}
interface MemoryLink {
  readonly kind: 'link';
  readonly target: string;
}
interface MemoryFolder {
  readonly kind: 'folder';
  names: Map<string, MemoryNode>;
  durable: Map<string, MemoryNode>;
  /** Changes of names since the last sync, in order. */
  pending: ((names: Map<string, MemoryNode>) => void)[];
}
type MemoryNode = MemoryFile | MemoryLink | MemoryFolder;

export interface MemoryFiles extends FileSystem {
  /**
   * What is found after a power loss. Of each folder's unsynced changes any may survive without the others: POSIX
   * promises no order, only that each is whole. Of a file's unsynced bytes nothing survives, some, all, or zeros.
   */
  afterPowerLoss(choose: Choose): MemoryFiles;
  /** Every path with a file's text, a link's target or null for a folder. */
  tree(): Record<string, string | null>;
  /** Changes a byte behind everybody's back. */
  damage(path: string, at: number): void;
}

/** What an operation on a node of another kind fails with. */
const WRONG_KIND = { file: 'EISDIR', folder: 'ENOTDIR', link: 'EINVAL' } as const;

/** A file system in memory that knows what is durable. Links inside paths are not followed. */
export function memoryFiles(root: MemoryFolder = newFolder()): MemoryFiles {
  function find(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = root;
    for (const name of path.split('/').filter(Boolean)) {
      if (node === undefined) return undefined;
      if (node.kind !== 'folder') throw systemError('ENOTDIR', path);
      node = node.names.get(name);
    }
    return node;
  }

  function need<K extends MemoryNode['kind']>(path: string, kind: K): MemoryNode & { kind: K } {
    const node = find(path);
    if (node === undefined) throw systemError('ENOENT', path);
    if (!isKind(node, kind)) throw systemError(WRONG_KIND[kind], path);
    return node;
  }

  function change(path: string, action: (names: Map<string, MemoryNode>) => void): void {
    const folder = need(dirname(path), 'folder');
    action(folder.names);
    folder.pending.push(action);
  }

  function add(path: string, node: MemoryNode): void {
    if (find(path) !== undefined) throw systemError('EEXIST', path);
    change(path, (names) => names.set(basename(path), node));
  }

  function removeAll(path: string): void {
    const node = find(path);
    if (node === undefined) return;
    if (node.kind === 'folder') {
      for (const name of [...node.names.keys()]) removeAll(`${path}/${name}`);
    }
    change(path, (names) => names.delete(basename(path)));
  }

  return {
    async open(path, mode) {
      if (mode === 'create' || find(path) === undefined) add(path, newFile());
      return openFile(need(path, 'file'));
    },
    read: async (path) => Buffer.from(need(path, 'file').bytes),
    async *readChunks(path) {
      const { bytes } = need(path, 'file');
      yield bytes.subarray(0, bytes.length >> 1);
      yield bytes.subarray(bytes.length >> 1);
    },
    list: async (path) => [...need(path, 'folder').names.keys()].sort(),
    async stat(path) {
      const node = find(path);
      return node && statOf(node);
    },
    makeFolder: async (path) => add(path, newFolder()),
    async rename(from, to) {
      if (dirname(from) !== dirname(to)) throw systemError('EXDEV', to);
      const node = find(from);
      const replaced = find(to);
      if (node === undefined) throw systemError('ENOENT', from);
      if (replaced?.kind === 'folder' && replaced.names.size > 0)
        throw systemError('ENOTEMPTY', to);
      change(to, (names) => names.delete(basename(from)) && names.set(basename(to), node));
    },
    remove: async (path) => removeAll(path),
    symlink: async (target, path) => add(path, { kind: 'link', target }),
    readLink: async (path) => need(path, 'link').target,
    async syncFolder(path) {
      const folder = need(path, 'folder');
      folder.durable = new Map(folder.names);
      folder.pending = [];
    },
    afterPowerLoss: (choose) => memoryFiles(survivingFolder(root, choose)),
    tree: () => Object.fromEntries(walk(root, '')),
    damage(path, at) {
      const { bytes } = need(path, 'file');
      bytes[at] = (bytes[at] ?? 0) ^ 0x41;
    },
  };
}

function openFile(file: MemoryFile): OpenFile {
  return {
    async write(bytes) {
      file.bytes = Buffer.concat([file.bytes, bytes]);
      return bytes.length;
    },
    async sync() {
      file.synced = file.bytes;
    },
    async datasync() {
      file.synced = file.bytes;
    },
    size: async () => file.bytes.length,
    close: async () => undefined,
  };
}

function survivingFolder(folder: MemoryFolder, choose: Choose): MemoryFolder {
  const names = new Map(folder.durable);
  for (const action of folder.pending) if (choose(2) === 1) action(names);
  const survivors = new Map([...names].map(([name, node]) => [name, surviving(node, choose)]));
  return { kind: 'folder', names: survivors, durable: new Map(survivors), pending: [] };
}

function surviving(node: MemoryNode, choose: Choose): MemoryNode {
  if (node.kind === 'folder') return survivingFolder(node, choose);
  if (node.kind === 'link') return node;
  const bytes = survivingBytes(node, choose);
  return { kind: 'file', bytes, synced: bytes };
}

function survivingBytes({ bytes, synced }: MemoryFile, choose: Choose): Buffer {
  if (bytes === synced) return bytes;
  const more = Math.max(0, bytes.length - synced.length);
  switch (choose(4)) {
    case 0:
      return synced;
    case 1:
      return bytes;
    case 2:
      return bytes.subarray(0, bytes.length - more + choose(more + 1));
    default:
      return Buffer.concat([bytes.subarray(0, bytes.length - more), Buffer.alloc(more)]);
  }
}

function* walk(folder: MemoryFolder, at: string): Generator<[string, string | null]> {
  for (const [name, node] of folder.names) {
    const path = `${at}/${name}`;
    if (node.kind === 'folder') {
      yield [path, null];
      yield* walk(node, path);
    } else {
      yield [path, node.kind === 'link' ? node.target : node.bytes.toString('utf8')];
    }
  }
}

function statOf(node: MemoryNode): FileStat {
  return { kind: node.kind, modifiedMs: 0, size: node.kind === 'file' ? node.bytes.length : 0 };
}

function isKind<K extends MemoryNode['kind']>(
  node: MemoryNode,
  kind: K,
): node is MemoryNode & { kind: K } {
  return node.kind === kind;
}

function newFolder(): MemoryFolder {
  return { kind: 'folder', names: new Map(), durable: new Map(), pending: [] };
}

function newFile(): MemoryFile {
  return { kind: 'file', bytes: Buffer.alloc(0), synced: Buffer.alloc(0) };
}

/** An error as Node.js makes it. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
