/**
 * Ends a process that tsrun has started, of a benchmark that starts ranks by itself: each rank would start a job of its own, and their
 * figures would be those of jobs that stand in each other's way. Rank 0 says so and fails, which ends the job.
 *
 * @param benchmark - its npm script
 * @param forRanks - the script that measures within a job that is there, where there is one
 */
export function refuseUnderTsrun(benchmark: string, forRanks?: string, env = process.env): void {
  if (env['TSRING_RANK'] === undefined || env['TSRING_JOB_ID'] === undefined) return;
  if (env['TSRING_RANK'] !== '0') process.exit(0);
  const within = forRanks === undefined ? '' : `, or take ${forRanks} for ranks of this job`;
  console.error(
    `error: ${benchmark} starts its ranks by itself, and tsrun has started this process: run it without tsrun (npm run ${benchmark})${within}`,
  );
  process.exit(1);
}
