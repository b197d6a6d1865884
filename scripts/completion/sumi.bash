# sumi.bash - completion of sumi's commands, options, model names and files.
# Source it, or install it as /usr/share/bash-completion/completions/sumi.

# Names of the models that are here (see sumi(1)). bash splits words at colons: after one, only what follows is offered.
_sumi_models() {
    local prefix=
    [ "$COMP_CWORD" -lt 1 ] || [[ ${COMP_LINE:-} != *:* ]] || prefix=${COMP_LINE##* } prefix=${prefix%:*}:
    "${COMP_WORDS[0]}" list --names 2>/dev/null | while read -r name; do
        [[ -z $prefix || $name == "$prefix"* ]] && echo "${name#"$prefix"}"
    done
}

_sumi() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]:-}
    local common='--threads --ctx --kv-memory --activations --isa --pin --numa --log-level --log-json --help'
    local commands='run serve ps pull list rm info tokenize detokenize template logits convert embed eval bench' options
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
        return
    fi
    if [ "$command" = help ]; then
        mapfile -t COMPREPLY < <([ "$COMP_CWORD" != 2 ] || compgen -W "$commands" -- "$cur")
        return
    fi
    case $command in
    run) options="--prompt --file --system --raw --strict-roles --stop --ignore-eos --json --logprobs --stats --max-tokens --temp
        --top-k --top-p --min-p --typical --repeat-penalty --repeat-last-n --frequency-penalty --presence-penalty
        --seed --generation-config $common" ;;
    serve) options="--host --port --model-name --model-alias --pooling --strict-roles --api-key-file --api-key --hash-key --allow-anonymous --allowed-host --metrics-open --no-web
        --cors-origin --tls-cert --tls-key --tls-priorities --trusted-proxy --http-threads --max-connections --max-connections-ip --max-body --max-queue
        --max-queue-key --max-prompt-tokens --max-choices --max-stop --max-answer-tokens --max-tokens --temp --top-k
        --top-p --min-p --typical --repeat-penalty --repeat-last-n --frequency-penalty --presence-penalty --seed --generation-config
        --header-timeout --body-timeout --idle-timeout --heartbeat --queue-timeout
        --first-token-timeout --request-timeout --stall-timeout --log-format --log-file --log-prompts
        --drain-timeout --max-seqs --token-budget --stall --swap-memory --swap-dir --prefix-cache --no-prefix-cache
        --share-prefixes --spec $common" ;;
    ps) options='--url --json --help' ;;
    pull) options='--endpoint --token-file --sha256 --check-sha256 --dry-run --quiet --timeout --retries --retry-wait --json
        --help' ;;
    list) options='--json --names --help' ;;
    rm) options='--yes --help' ;;
    info) options='--metadata --tensors --all --key --json --help' ;;
    tokenize) options='--file --json --pieces --no-special --no-bos --bench --help' ;;
    detokenize) options='--no-special --no-bos --help' ;;
    template) options='--template --messages --tools --no-generation-prompt --strict-roles --bos --eos --help' ;;
    logits) options="--ids --out $common" ;;
    convert) options='--type --threads --force --json --help' ;;
    embed) options="--pooling --no-normalize --truncate --npy $common" ;;
    eval) options="--file --windows --json $common" ;;
    bench)
        options="--prompt --gen --batch --rows --prefill-len --reps --no-limits --hardware --json $common"
        if [ "${COMP_WORDS[2]:-}" = serve ]; then
            options="--requests --rate --concurrency --prompt-len --gen-len --shared-prefix --seed --json
                --static-batching --no-chunking --max-seqs --token-budget --stall --swap-memory --swap-dir
                --prefix-cache --no-prefix-cache --share-prefixes --spec $common"
        fi ;;
    *) return ;;
    esac
    case $prev in
    -f | --file | --token-file | --api-key-file | --tls-cert | --tls-key | --messages | --tools | --template | --out | --npy | --log-file)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return ;;
    --swap-dir | --prefix-cache)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return ;;
    --type)
        mapfile -t COMPREPLY < <(compgen -W 'F32 F16 BF16 Q8_0 Q6_K Q5_K_M Q5_K_S Q5_1 Q5_0 Q4_K_M Q4_K_S Q4_1 Q4_0 IQ4_NL
            Q3_K_M Q3_K_S Q2_K TQ2_0 TQ1_0' -- "${cur^^}")
        return ;;
    --pooling) mapfile -t COMPREPLY < <(compgen -W 'mean last cls' -- "$cur"); return ;;
    --activations) mapfile -t COMPREPLY < <(compgen -W 'auto f32' -- "$cur"); return ;;
    --spec) mapfile -t COMPREPLY < <(compgen -W 'auto off' -- "$cur"); return ;;
    --numa) mapfile -t COMPREPLY < <(compgen -W 'off spread' -- "$cur"); return ;;
    --isa) mapfile -t COMPREPLY < <(compgen -W 'ref avx2 avxvnni avx512 amx' -- "$cur"); return ;;
    --log-format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$cur"); return ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W 'error warn info debug' -- "$cur"); return ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    elif [ "$command" = pull ]; then
        mapfile -t COMPREPLY < <(compgen -W 'hf: ollama: https://' -- "$cur")
    elif [ "$command" = list ] || [ "$command" = ps ]; then
        return
    elif [[ $command =~ ^(embed|convert)$ ]] && [ "$COMP_CWORD" -gt 2 ]; then # the text, the result
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    elif [ "$command" = rm ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_sumi_models)" -- "$cur")
    elif [ "$command" = eval ] && [ "$COMP_CWORD" = 2 ]; then
        mapfile -t COMPREPLY < <(compgen -W 'perplexity' -- "$cur")
    elif [ "$command" = bench ] && [ "$COMP_CWORD" = 2 ]; then
        mapfile -t COMPREPLY < <(compgen -W "serve $(_sumi_models)" -- "$cur"; compgen -f -X '!*.gguf' -- "$cur"; compgen -d -- "$cur")
    else
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -W "$(_sumi_models)" -- "$cur"; compgen -f -X '!*.gguf' -- "$cur"; compgen -d -- "$cur")
    fi
}

complete -F _sumi sumi
