import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { RingError } from '../errors.js';

/** A GPU, or a part of one, as CUDA_VISIBLE_DEVICES spells it. */
export interface Gpu {
  readonly id: string;
  /** The NUMA node that it is attached to, where the system tells. */
  readonly node: number | undefined;
}

/**
 * The GPUs that the ranks of this host may use: the user's own list, or else all that the driver shows. The driver is not asked, only
 * its files are read: loading it takes long and pins memory. Only where cards are cut into MIG instances nvidia-smi is asked for their names.
 *
 * @param root - where /proc and /sys are mounted
 * @throws RING_LAUNCH where there are MIG instances and nvidia-smi does not name them
 */
export function visibleGpus(environment: NodeJS.ProcessEnv, root = '/'): Gpu[] {
  const cards = readCards(root);
  const chosen = environment['CUDA_VISIBLE_DEVICES'];
  const ids = chosen === undefined ? allIds(cards, root) : chosenIds(chosen);
  return ids.map((id) => ({ id, node: cardOf(id, cards)?.node }));
}

/** The GPU of a local rank: one each, and in turn where ranks outnumber GPUs. Undefined where there are none. */
export function gpuOf(localRank: number, gpus: readonly Gpu[]): Gpu | undefined {
  return gpus.length === 0 ? undefined : gpus[localRank % gpus.length];
}

/** The instances that `nvidia-smi -L` lists, and the whole cards that are not cut up. */
export function parseSmiList(text: string): string[] {
  const cards = text.split(/^(?=GPU )/m);
  return cards.flatMap((card) => {
    const uuids = [...card.matchAll(/UUID: ([\w-]+)/g)].map(([, uuid]) => uuid!);
    const instances = uuids.filter((uuid) => uuid.startsWith('MIG-'));
    return instances.length > 0 ? instances : uuids;
  });
}

interface Card {
  readonly index: number;
  readonly uuid: string | undefined;
  readonly node: number | undefined;
}

/** In the order of their bus addresses, which is CUDA's where all cards are of one kind. */
function readCards(root: string): Card[] {
  const folder = path.join(root, 'proc/driver/nvidia/gpus');
  if (!existsSync(folder)) return [];
  const buses = readdirSync(folder)
    .filter((bus) => existsSync(path.join(folder, bus, 'information')))
    .sort();
  return buses.map((bus, index) => {
    const uuid = /^GPU UUID:\s*(GPU-\S+)/m.exec(read(path.join(folder, bus, 'information')))?.[1];
    const node = Number(read(path.join(root, 'sys/bus/pci/devices', bus, 'numa_node')).trim() || '-1');
    return { index, uuid, node: node < 0 ? undefined : node };
  });
}

function allIds(cards: readonly Card[], root: string): string[] {
  return hasMigInstances(root) ? listInstances() : cards.map(({ index }) => String(index));
}

function hasMigInstances(root: string): boolean {
  const folder = path.join(root, 'proc/driver/nvidia/capabilities');
  if (!existsSync(folder)) return false;
  const cards = readdirSync(folder).filter((name) => /^gpu\d+$/.test(name));
  const instances = (card: string) => path.join(folder, card, 'mig');
  return cards.some(
    (card) => existsSync(instances(card)) && readdirSync(instances(card)).some((name) => /^gi\d+$/.test(name)),
  );
}

function listInstances(): string[] {
  try {
    return parseSmiList(execFileSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 30_000 }));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RingError('RING_LAUNCH', `MIG instances cannot be listed (${why}); name them in CUDA_VISIBLE_DEVICES`, {
      cause,
    });
  }
}

/** As CUDA reads the list: it ends before the first entry that names no device, such as -1. */
function chosenIds(list: string): string[] {
  const entries = list.split(',').map((entry) => entry.trim());
  const end = entries.findIndex((entry) => !/^(\d+|GPU-.+|MIG-.+)$/.test(entry));
  return end < 0 ? entries : entries.slice(0, end);
}

/** By index or UUID, of which CUDA takes a beginning too. A MIG instance tells of its card only in its old form, MIG-GPU-<uuid>/1/0. */
function cardOf(id: string, cards: readonly Card[]): Card | undefined {
  if (/^\d+$/.test(id)) return cards[Number(id)];
  const uuid = /^(?:MIG-)?(GPU-[^/]+)/.exec(id)?.[1];
  return uuid === undefined ? undefined : cards.find((card) => card.uuid?.startsWith(uuid));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
