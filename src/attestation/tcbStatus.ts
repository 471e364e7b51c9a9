/** How up to date a platform is, best first. @see https://api.portal.trustedservices.intel.com/content/documentation.html */
export const TCB_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
] as const

/** A revoked platform has no status that a policy could allow. */
export type TcbStatus = (typeof TCB_STATUSES)[number]
