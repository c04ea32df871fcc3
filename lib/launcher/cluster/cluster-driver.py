"""tsrun's hand in a cluster: has Spark or Ray run one task a rank, each of which starts an agent that calls tsrun.

tsrun starts this program, writes one line of JSON with its orders to standard input, and keeps that open for as long as the job lives:
its end, for whatever reason, lets go of the cluster. Lines of JSON go back on standard output. What Spark and Ray print goes to standard
error. Nothing secret is in an argument, the environment or a setting of the cluster: the key by which tasks call tsrun travels in what
they carry out, and serves for nothing once they have called.
"""

import json
import os
import sys
import threading

#: Seconds that the cluster may take to let go.
FAREWELL = 15
#: Seconds of these for tasks to end by themselves, as they do when tsrun has let go of their agents.
PATIENCE = 4


def main():
    orders = json.loads(sys.stdin.readline())
    reports = os.fdopen(os.dup(1), "w")  # not inherited by what Spark and Ray start
    os.dup2(2, 1)

    def report(**message):
        print(json.dumps(message), file=reports, flush=True)

    try:
        engine = {"spark": Spark, "ray": Ray}[orders["engine"]](orders)
    except ImportError as error:
        report(kind="missing", message=str(error))
        return
    work = threading.Thread(target=run, args=(engine, report), daemon=True)
    work.start()
    sys.stdin.read()  # until tsrun closes it, or is gone
    threading.Timer(FAREWELL, os._exit, [1]).start()
    if engine.is_up:
        work.join(PATIENCE)
        engine.stop()
    os._exit(0)  # threads of Spark and Ray may wait for ever


def run(engine, report):
    try:
        engine.run(report)
        report(kind="done")
    except BaseException as error:
        report(kind="failed", message=reason_in(error))


def reason_in(error):
    """What a task has raised, out of the traces of the engine's own around it; else the engine's first line."""
    text = str(error)
    found = [line.split("tsrun: ", 1)[1] for line in text.splitlines() if "RuntimeError: tsrun: " in line]
    if found:
        return found[0].strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    cause = [line for line in lines if line.startswith(("org.apache.spark.", "java.lang.", ": org.apache.spark."))]
    return (cause or lines or [type(error).__name__])[0].lstrip(": ")


def run_agent(orders, task, cpus, gpus):
    """In a task: starts the agent and waits for its end. Should the task be killed the agent sees its input close, and ends its ranks."""
    import json
    import os
    import socket
    import subprocess
    import sys

    host = socket.gethostname()
    for path in orders["agent"]:
        if not os.path.exists(path):
            raise RuntimeError(f"tsrun: host {host} has no {path}; node and tsring must be at the same paths on all hosts")
    invitation = {**orders["invitation"], "task": task, "share": {"gpus": gpus, **({} if cpus is None else {"cpus": cpus})}}
    agent = subprocess.Popen(
        [*orders["agent"], "--invited"],
        # The cluster's own secrets are none of the ranks' business.
        env={name: value for name, value in os.environ.items() if "SECRET" not in name},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # it outlives us for as long as it takes to end its ranks
    )
    agent.stdin.write(json.dumps(invitation).encode() + b"\n")
    agent.stdin.flush()
    said = agent.stderr.read().decode(errors="replace")
    sys.stderr.write(said)
    if agent.wait() != 0:
        last = " ".join(said.split("\n")[-5:]).strip() or f"exit code {agent.returncode}"
        raise RuntimeError(f"tsrun: the agent of task {task} on host {host} has failed: {last}")


class Spark:
    """One barrier stage, so that all tasks run at the same time or none does."""

    def __init__(self, orders):
        import pyspark

        self.pyspark = pyspark
        self.orders = orders
        self.context = None
        self.is_up = False

    def run(self, report):
        orders, given = self.orders, self.orders["settings"]
        defaults = {
            "spark.app.name": orders["name"],
            "spark.ui.showConsoleProgress": "false",
            # Executors may still be on their way: Spark looks again this often, and gives up before tsrun does.
            "spark.scheduler.barrier.maxConcurrentTasksCheck.interval": "1s",
            "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures": str(max(1, orders["timeoutSeconds"] * 2 // 3)),
            # A second attempt would find nobody to call: a job that breaks is tsrun's to end.
            "spark.task.maxFailures": "1",
            "spark.stage.maxConsecutiveAttempts": "1",
        }
        conf = self.pyspark.SparkConf().setMaster(orders["address"])
        for name, value in {**defaults, **given}.items():
            conf.set(name, value)
        if orders["address"].startswith("local"):
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        self.context = context = self.pyspark.SparkContext(conf=conf)
        self.is_up = True
        context.setLogLevel("ERROR")
        report(kind="started", application=context.applicationId)
        # Executors reach us here already.
        invitation = orders["invitation"]
        address = context.getConf().get("spark.driver.host")
        if not orders["hasInterfaces"] and address and address not in invitation["addresses"]:
            invitation["addresses"].insert(0, address)

        def task(index, _):
            from pyspark import BarrierTaskContext

            context = BarrierTaskContext.get()
            gpus = context.resources().get("gpu")
            run_agent(orders, index, context.cpus(), list(gpus.addresses) if gpus else [])
            return []

        size = orders["tasks"]
        context.parallelize(range(size), size).barrier().mapPartitionsWithIndex(task).collect()

    def stop(self):
        self.context.stop()
        java = getattr(self.context._gateway, "proc", None)  # none where something else has started it
        if java is not None:
            java.stdin.close()  # which ends it
            java.wait()


class Ray:
    """A placement group with a bundle a rank, so that all tasks run at the same time or none does."""

    def __init__(self, orders):
        import ray

        self.ray = ray
        self.orders = orders
        self.is_up = False
        self.is_ours = orders["address"] == "local"
        if self.is_ours:
            adopt_orphans()

    def run(self, report):
        from ray.util.placement_group import placement_group
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        ray, orders = self.ray, self.orders
        wanted = {"CPU": 1.0, **{name: float(value) for name, value in orders["settings"].items()}}
        here = {"num_cpus": orders["tasks"] * wanted["CPU"], "include_dashboard": False}
        ray.init(log_to_driver=False, logging_level="error", **(here if self.is_ours else {"address": orders["address"]}))
        self.is_up = True
        report(kind="started", application=ray.get_runtime_context().get_job_id())
        group = placement_group([wanted] * orders["tasks"], strategy="PACK")
        ready, _ = ray.wait([group.ready()], timeout=orders["timeoutSeconds"])
        if not ready:
            has = {name: count for name, count in ray.cluster_resources().items() if name in wanted}
            raise RuntimeError(f"tsrun: the cluster has no room for {orders['tasks']} tasks of {wanted}; it has {has} in all")

        def task(index):
            import ray

            gpus = ray.get_runtime_context().get_accelerator_ids().get("GPU", [])
            run_agent(orders, index, int(wanted["CPU"]) or None, gpus)

        resources = {name: count for name, count in wanted.items() if name not in ("CPU", "GPU")}
        remote = ray.remote(max_retries=0, num_cpus=wanted["CPU"], num_gpus=wanted.get("GPU", 0), resources=resources)(task)
        ray.get(
            [
                remote.options(
                    scheduling_strategy=PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=index)
                ).remote(index)
                for index in range(orders["tasks"])
            ]
        )

    def stop(self):
        self.ray.shutdown()
        if self.is_ours:
            kill_children()


def adopt_orphans():
    """Makes us the parent of what our children leave behind: agents of Ray's outlive it for a while."""
    import ctypes

    PR_SET_CHILD_SUBREAPER = 36
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_children():
    """Until there are none: the children of those that go become ours."""
    import glob
    import signal

    while children := [int(pid) for file in glob.glob("/proc/self/task/*/children") for pid in open(file).read().split()]:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                pass  # Ray has waited for it


if __name__ == "__main__":
    main()
