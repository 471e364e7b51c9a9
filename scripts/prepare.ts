import { existsSync, rmSync } from 'node:fs'
import './build.ts'

/** Headers and changelogs that npm's `node` leaves beside the program that it has already linked: 65 MB unused. */
const LEFT_OVER = 'node_modules/node/node_modules'
if (existsSync('node_modules/node/bin/node')) rmSync(LEFT_OVER, { recursive: true, force: true })
