import type { BindTo } from './bind-ranks.js';
import type { ClusterOptions } from './cluster/cluster-options.js';
import type { CountOrRule } from './flag-values.js';
import type { HostSpec } from './hosts.js';
import type { SignalSource } from './interrupts.js';
import type { Nodes } from './nodes.js';
import type { SshOptions } from './ssh.js';

export interface LaunchOptions {
  /** Relative to `cwd`; or `node`, with its flags and the script as `scriptArgs`. */
  readonly script: string;
  readonly scriptArgs?: readonly string[];
  /** How many ranks, at least 1. Default: as many as the hosts have slots. */
  readonly np?: number;
  /** Parameter servers beside the ranks; default none. Not with `nodes` or `cluster`. */
  readonly servers?: number;
  /** Where. Default: `np` ranks on this host. */
  readonly hosts?: readonly HostSpec[];
  /** Slots of hosts that say none. */
  readonly nprocPerNode?: CountOrRule;
  readonly mapBy?: 'slot' | 'node';
  /** Allow more ranks than slots, and several ranks on a GPU. */
  readonly oversubscribe?: boolean;
  /** Default: auto; in a cluster none, as which cores is the cluster's business. */
  readonly bindTo?: BindTo;
  readonly ssh?: SshOptions;
  /** Between hosts; the first that a host has. Default: by the route to the others. */
  readonly networkInterfaces?: readonly string[];
  /** This tsrun is one of several, started by someone else. */
  readonly nodes?: Nodes;
  /** Its tasks start the ranks, `np` of them, in place of hosts. */
  readonly cluster?: ClusterOptions;
  /** Default: this process's. The same on every host. */
  readonly cwd?: string;
  /** Set for the ranks on top of this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Put `[rank]<stream>:` before each line; default true. */
  readonly tagOutput?: boolean;
  /** Put the time before each line. */
  readonly timestamp?: boolean;
  /** What ranks print is written to files in there, in place of the terminal, or beside it with `tee`. */
  readonly outputFolder?: string;
  readonly tee?: boolean;
  /** For hosts to answer, and for ranks to meet. Default: 60 s for the hosts, and for the ranks their own, TSRING_START_TIMEOUT_MS. */
  readonly startTimeoutMs?: number;
  /** For the whole job. */
  readonly timeoutMs?: number;
  /** Between the polite signal and SIGKILL; default 5000. */
  readonly stopGraceMs?: number;
  readonly verbose?: boolean;
  /** Lines to tell before the start. */
  readonly notices?: readonly string[];
  /** Default: this process's. */
  readonly stdout?: NodeJS.WritableStream;
  readonly stderr?: NodeJS.WritableStream;
  /** Whose SIGINT, SIGTERM and SIGHUP stop the job: `process` for a command. Default: nobody's. */
  readonly signals?: SignalSource;
  /** What ranks find in the store. */
  readonly values?: Readonly<Record<string, string>>;
}
