/** Recordings: what they are, and how long. */
export { AUDIO_FORMATS, type AudioFormat, audioFormat } from './audioFormat.ts'
export { type AudioLength, audioSeconds, billableSeconds } from './audioSeconds.ts'
