/** What a shell needs to ask us: it passes the words before the cursor, the last of them perhaps unfinished. Nobody sees what is said beside. */
export const SCRIPTS = {
  bash: `_0g_compute() {
  local IFS=$'\\n'
  COMPREPLY=($(0g-compute completion words --quiet -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _0g_compute 0g-compute
`,
  zsh: `#compdef 0g-compute
_0g_compute() {
  local -a found
  found=("\${(@f)$(0g-compute completion words --quiet -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  (( \${#found} )) && [[ -n "$found[1]" ]] && compadd -- $found || _files
}
if [[ "$funcstack[1]" = _0g_compute || "$funcstack[1]" = _0g-compute ]]; then _0g_compute; else compdef _0g_compute 0g-compute; fi
`,
  fish: `complete -c 0g-compute -f -a '(0g-compute completion words --quiet -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
  powershell: `Register-ArgumentCompleter -Native -CommandName 0g-compute -ScriptBlock {
  param($word, $ast, $position)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if (-not $word) { $words += '""' }
  0g-compute completion words --quiet -- @words 2>$null | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`,
} as const
