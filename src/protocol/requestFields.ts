/** How many answers to a prompt are asked for; the last is llama-server's own name for it. The highest counts. */
export const CHOICE_FIELDS: readonly string[] = ['n', 'best_of', 'n_cmpl']

/** How long an answer may be, in tokens. Which of several names an engine follows is its own affair: the highest counts. */
export const LENGTH_FIELDS: readonly string[] = ['max_completion_tokens', 'max_tokens']

/** llama-server's own name for the length of an answer, which overrules the others there. */
export const N_PREDICT = 'n_predict'
