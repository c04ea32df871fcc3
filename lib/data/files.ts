import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { invalid } from '../arguments.js';
import type { Place } from '../training/own-shard.js';
import { reasonOf } from './broken-data.js';

/**
 * The files that are meant, in an order that is the same on all hosts: a file is itself, and a folder the files in it whose names do not begin
 * with a dot or an underscore.
 *
 * @throws {RingError} `RING_INVALID_ARGUMENT`: something does not exist, or there is no file at all
 */
export function listFiles(where: string, files: string | readonly string[]): string[] {
  const given = typeof files === 'string' ? [files] : files;
  const all = given.flatMap((file) => (isFolder(where, file) ? filesIn(file) : [file]));
  if (all.length === 0) throw invalid(where, `no files in ${given.join(', ') || 'an empty list'}`);
  return all;
}

/** This rank's files where files are shared out. */
export function ownFiles(where: string, files: readonly string[], { rank, size }: Place): string[] {
  if (files.length >= size) return files.filter((_, turn) => turn % size === rank);
  throw invalid(
    where,
    `shardBy: 'files', but ${files.length} files do not go around ${size} ranks; share out 'records'`,
  );
}

/** Sorted by the bytes of their names, whatever the host's language. */
export function sortedNames(names: readonly string[]): string[] {
  return [...names].sort((one, other) => (one < other ? -1 : one > other ? 1 : 0));
}

export function isFolder(where: string, file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch (error) {
    throw invalid(where, `${file}: ${reasonOf(error)}`);
  }
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => !/^[._]/.test(entry.name));
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  return sortedNames(names).map((name) => path.join(folder, name));
}
