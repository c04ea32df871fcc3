// Mocha's spec reporter, which also writes {passed, failed, skipped, reasons} to the file named by TSRING_TEST_COUNTS.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.TSRING_TEST_COUNTS;
    if (!file) return;
    const skipped = [];
    runner.on('pending', (test) => skipped.push(test.fullTitle()));
    runner.once('end', () => {
      const { passes, failures } = runner.stats;
      writeFileSync(
        file,
        JSON.stringify({ passed: passes, failed: failures, skipped: skipped.length, reasons: skipped }),
      );
    });
  }
};
