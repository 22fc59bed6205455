# Completion for bash. What can follow is asked of onehopctl, which knows its verbs, options, accounts
# and providers.

_onehop() {
    local line=${COMP_LINE:0:COMP_POINT} word head rest
    local -a words=()
    read -ra words <<<"$line"
    [[ $line != *[[:space:]] ]] || words+=("")
    rest=${words[${#words[@]} - 1]}
    # readline replaces what follows the last character that ends a word, such as =, but @ with it.
    head=${rest%"${rest##*[$COMP_WORDBREAKS]}"}
    head=${head%@}
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        if [[ $word == *:file ]]; then
            compopt -o filenames
            while IFS= read -r word; do
                COMPREPLY+=("$word")
            done < <(compgen -f -- "${rest#--*=}")
        else
            COMPREPLY+=("${word#"$head"}")
        fi
    done < <(onehopctl complete "${1##*/}" "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace
}

complete -F _onehop onehop onehopctl
# Other programs have these names, too.
for _onehop_name in sendmail mailq msmtp; do
    if [[ $(readlink -f "$(type -P $_onehop_name)") == */onehop ]]; then
        complete -F _onehop $_onehop_name
    fi
done
unset _onehop_name
