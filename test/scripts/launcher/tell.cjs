/* global __filename */
const path = require('node:path');
console.log(`@result ${JSON.stringify(path.basename(__filename))}`);
