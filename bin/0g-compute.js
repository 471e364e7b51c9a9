#!/usr/bin/env node
// Plain JavaScript that even old releases of Node parse: its first task is to say which one is needed.
var version = process.versions.node.split('.').map(Number)

if (version[0] < 22 || (version[0] === 22 && version[1] < 19)) {
  process.stderr.write(
    '0g-compute needs Node.js 22.19 or newer, this is ' +
      process.versions.node +
      '. Install one from https://nodejs.org, or run: npx -y -p node@24 -p 0g-compute 0g-compute\n',
  )
  process.exit(1)
}

import('./start.js').then((start) => start.run())
