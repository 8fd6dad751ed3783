// The scripts that shells load. They know nothing of our commands: each asks `signalbox complete` what may come next, so that they
// stay right when the program is upgraded.

const BASH = `# signalbox completion for bash: eval "$(signalbox completion bash)" in ~/.bashrc
_signalbox() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    [ -n "$line" ] && COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _signalbox signalbox
`;

const ZSH = `#compdef signalbox
# signalbox completion for zsh: source <(signalbox completion zsh) in ~/.zshrc, after compinit
_signalbox() {
  local line
  local -a found
  while IFS= read -r line; do
    [[ -n "$line" ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe signalbox found; else _files; fi
}
compdef _signalbox signalbox
`;

const FISH = `# signalbox completion for fish: signalbox completion fish > ~/.config/fish/completions/signalbox.fish
function __signalbox_complete
  set -l before (commandline -opc)
  set -l current (commandline -ct)
  set -l found ($before[1] complete -- $before[2..-1] "$current" 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path "$current"
  end
end
complete -c signalbox -f -a '(__signalbox_complete)'
`;

/** The script of each shell that we know. */
export const COMPLETION_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
