import { fileURLToPath } from 'node:url';
import { RingError } from '../../errors.js';
import { outerInterfaces } from '../host-facts.js';
import { RemoteHost, type RemoteOptions } from '../remote-host.js';
import { ClusterDriver } from './cluster-driver.js';
import { type ClusterOptions, engineNames } from './cluster-options.js';
import { Reception } from './reception.js';

export interface TaskContact extends Omit<RemoteOptions, 'orders'> {
  readonly orders: Omit<RemoteOptions['orders'], 'name'>;
  readonly tasks: number;
  /** What people see in the cluster's lists. */
  readonly name: string;
  /** Addresses of these interfaces of this host alone are for tasks to call. */
  readonly networkInterfaces?: readonly string[];
  /** Called with what Spark or Ray prints. */
  readonly onLine: (line: string) => void;
}

export interface ContactedTasks {
  /** By number of task. One host of the cluster may run several. */
  readonly agents: readonly RemoteHost[];
  /** Lets go of the cluster. */
  readonly close: () => Promise<void>;
  /** Settles when the cluster fails. */
  readonly failed: Promise<RingError>;
}

/**
 * Has the cluster run so many tasks, all at a time, and waits until the agent of each has called.
 *
 * @throws RING_LAUNCH with what the cluster or a task said; RING_TIMEOUT if there is no room for them in time
 */
export async function contactTasks(cluster: ClusterOptions, contact: TaskContact): Promise<ContactedTasks> {
  const { tasks, timeoutMs } = contact;
  const agents = new Map<number, RemoteHost>();
  let driver: ClusterDriver | undefined;
  let reception: Reception | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    let settle: () => void = () => undefined;
    let refuse: (error: unknown) => void = () => undefined;
    const complete = new Promise<void>((resolve, reject) => ([settle, refuse] = [resolve, reject]));
    reception = await Reception.open(tasks, ({ task, hostname, link }) => {
      const name = `${hostname} (${engineNames[cluster.engine]} task ${task})`;
      RemoteHost.connect(name, link, { ...contact, orders: { ...contact.orders, name: hostname } }).then((agent) => {
        agents.set(task, agent);
        if (agents.size === tasks) settle();
      }, refuse);
    });
    driver = new ClusterDriver(
      {
        ...cluster,
        name: contact.name,
        tasks,
        timeoutSeconds: Math.ceil(timeoutMs / 1000),
        agent: [process.execPath, fileURLToPath(new URL('../agent.js', import.meta.url))],
        invitation: { addresses: ownAddresses(contact.networkInterfaces), port: reception.port, key: reception.key },
        hasInterfaces: contact.networkInterfaces !== undefined,
      },
      contact.onLine,
    );
    const overdue = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooLate(cluster, agents.size, contact)), timeoutMs);
    });
    await Promise.race([complete, overdue, driver.failed.then((error) => Promise.reject(error))]);
  } catch (error) {
    for (const agent of agents.values()) agent.abandon();
    await driver?.close();
    throw error;
  } finally {
    clearTimeout(timer);
    reception?.close();
  }
  const { failed } = driver;
  const inOrder = Array.from({ length: tasks }, (_, task) => agents.get(task)!);
  return { agents: inOrder, failed, close: () => driver.close() };
}

/** Those by which a task may reach us; loopback last, for a cluster on a machine without any network. */
function ownAddresses(interfaces: readonly string[] | undefined): string[] {
  const own = outerInterfaces().filter(({ name }) => interfaces?.includes(name) ?? true);
  const byFamily = [...own].sort((a, b) => Number(a.address.includes(':')) - Number(b.address.includes(':')));
  return [...byFamily.map(({ address }) => address), ...(interfaces === undefined ? ['127.0.0.1'] : [])];
}

function tooLate({ engine, address }: ClusterOptions, called: number, { tasks, timeoutMs }: TaskContact): RingError {
  const seconds = timeoutMs / 1000;
  return new RingError(
    'RING_TIMEOUT',
    `${engineNames[engine]}: ${called} of ${tasks} tasks have called within ${seconds} s; has ${address} room for all at a time? (--start-timeout waits longer, --verbose shows what it says)`,
  );
}
