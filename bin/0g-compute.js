#!/usr/bin/env node
// Plain CommonJS that even old releases of Node parse: its first task is to say which one is needed.
var version = process.versions.node.split('.').map(Number)

if (version[0] < 22 || (version[0] === 22 && version[1] < 19)) {
  process.stderr.write(
    '0g-compute needs Node.js 22.19 or newer, this is ' +
      process.versions.node +
      '. Install one from https://nodejs.org, or run: npx -y -p node@24 -p 0g-compute 0g-compute\n',
  )
  process.exit(1)
}

if (process.argv.length === 3 && process.argv[2] === '--version') {
  process.stdout.write(`${require('../package.json').version}\n`)
} else {
  run()
}

/** Runs the built program, or the sources where nothing is built. */
async function run() {
  const { existsSync } = require('node:fs')
  require('node:module').enableCompileCache()
  const isBuilt = existsSync(`${__dirname}/../dist/cli/main.js`)
  const { main } = await (isBuilt ? import('../dist/cli/main.js') : import('../src/cli/main.ts'))
  process.exitCode = await main(process.argv.slice(2))
}
