import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { validate } from 'dockerfile-utils';
import { parse, parseAllDocuments } from 'yaml';
import { parseArguments } from '../../lib/launcher/arguments.js';
import { settings } from '../../lib/settings.js';

const folder = path.join(import.meta.dirname, '../../examples');
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');

interface Container {
  readonly command: string[];
  readonly env?: { name: string; value: string }[];
}

/** No cluster is at hand: what is checked is syntax, and that the parts agree with each other and with tsring. */
describe('scripts and manifests', () => {
  for (const name of readdirSync(path.join(folder, 'slurm'))) {
    it(`slurm/${name} is a script that bash can read, with its options before the first command`, () => {
      execFileSync('bash', ['-n', path.join(folder, 'slurm', name)]);
      const [head] = read(`slurm/${name}`).split(/^set -/m);
      assert.match(head!, /^#!\/bin\/bash\n[^]*^#SBATCH --nodes=2$/m);
    });
  }

  it('the Indexed Job: its size, its place to meet and its secret agree', () => {
    const [service, job] = documents('kubernetes/indexed-job.yaml') as [Service, Job];
    assert.equal(service.spec.clusterIP, 'None');
    assert.equal(service.spec.selector['job-name'], job.metadata.name);
    const { spec } = job.spec.template;
    assert.equal(spec.subdomain, service.metadata.name);
    const env = Object.fromEntries(spec.containers[0]!.env!.map(({ name, value }) => [name, value]));
    assert.deepEqual(
      [job.spec.completionMode, job.spec.parallelism, env['TSRING_SIZE']],
      ['Indexed', job.spec.completions, String(job.spec.completions)],
    );
    assert(settings.rendezvous.schema.safeParse(env['TSRING_RENDEZVOUS']).success);
    assert(env['TSRING_RENDEZVOUS']!.startsWith(`tcp://${job.metadata.name}-0.${spec.subdomain}:`));
    assert.equal(env['TSRING_SECRET_FILE'], '/secret/secret');
  });

  it('the MPIJob: its launcher’s command line is one of tsrun', () => {
    const [job] = documents('kubernetes/mpi-job.yaml') as [MpiJob];
    const [npx, tsrun, ...argv] = job.spec.mpiReplicaSpecs.Launcher.template.spec.containers[0]!.command;
    assert.deepEqual([npx, tsrun], ['npx', 'tsrun']);
    // The hostfile is the operator's, and not here.
    assert.throws(() => parseArguments(argv), /the hostfile cannot be read: ENOENT.*\/etc\/mpi\/hostfile/);
  });

  for (const name of ['Dockerfile', 'Dockerfile.cuda']) {
    it(`containers/${name} is without complaint of a linter, and starts a job that tsrun takes`, () => {
      const text = read(`containers/${name}`);
      assert.deepEqual(validate(text), []);
      const [node, tsrun, ...argv] = JSON.parse(/^CMD (.*)$/m.exec(text)![1]!) as string[];
      assert.deepEqual([node, tsrun], ['node', 'bin/tsrun']);
      assert.equal(parseArguments(argv).kind, 'launch');
    });
  }

  it('the compose file: two hosts that tsrun calls by their names', () => {
    const { services } = parse(read('containers/compose.yaml'), { merge: true }) as Compose;
    const [node, tsrun, ...argv] = services['first']!.command;
    assert.deepEqual([node, tsrun], ['node', 'bin/tsrun']);
    assert.equal(parseArguments(argv).kind, 'launch');
    for (const host of ['first', 'second']) {
      assert(argv.includes('first:2,second:2'));
      assert.deepEqual([services[host]!.hostname, services[host]!.image], [host, 'tsring']);
    }
    const context = path.join(folder, 'containers', services['first']!.build.context);
    assert(existsSync(path.join(context, services['first']!.build.dockerfile)));
  });

  function documents(name: string): unknown[] {
    return [...parseAllDocuments(read(name))].map((document) => {
      assert.deepEqual(document.errors, []);
      return document.toJS() as unknown;
    });
  }
});

interface Service {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly clusterIP: string; readonly selector: Record<string, string> };
}
interface Job {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly completionMode: string;
    readonly completions: number;
    readonly parallelism: number;
    readonly template: { readonly spec: { readonly subdomain: string; readonly containers: Container[] } };
  };
}
interface MpiJob {
  readonly spec: {
    readonly mpiReplicaSpecs: {
      readonly Launcher: { readonly template: { readonly spec: { readonly containers: Container[] } } };
    };
  };
}
interface Compose {
  readonly services: Record<
    string,
    { hostname: string; image: string; build: { context: string; dockerfile: string }; command: string[] }
  >;
}
