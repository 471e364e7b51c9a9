/**
 * Name under which an adapter is served: `ft-`, the base model with `/`, `.` and spaces as `-`, and the first 12
 * characters of the task's id. The authority is `GET /v1/lora/adapters`.
 * @see client-wire.md section 2.9
 */
export function adapterName(baseModel: string, taskId: string): string {
  const base = baseModel.replace(/[/. ]/g, '-').replace(/^-+|-+$/g, '')
  return `ft-${base}-${taskId.slice(0, 12)}`
}

export const isAdapterName = (model: string): boolean => /^ft-.+-[0-9a-f]{8}-[0-9a-f]{3}$/.test(model)
