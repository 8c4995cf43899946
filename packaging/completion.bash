# Completes verbs, options and their values for bash; otomask itself knows them.
_otomask() {
  local line=${COMP_LINE:0:COMP_POINT} candidate
  line=${line#"${COMP_WORDS[0]}"} line=${line# }
  COMPREPLY=()
  while IFS= read -r candidate; do
    [[ $candidate == "$2"* ]] && COMPREPLY+=("$candidate")
  done < <("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2> /dev/null)
}
complete -o default -F _otomask otomask
