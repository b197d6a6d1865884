#!/usr/bin/env bash
# test_chat.sh - the interactive chat, driven through a pseudo-terminal by expect(1).
set -u
export SUMI_PROGRAM=${SUMI_PROGRAM:-build/release/sumi}
export MODEL=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$MODEL" ] || { echo "$MODEL is missing: run scripts/fetch-model smollm2"; exit 1; }
WORK=$(mktemp -d)
export WORK XDG_STATE_HOME=$WORK/state HOME=$WORK TERM=xterm LC_ALL=C.UTF-8
trap 'rm -rf "$WORK"' EXIT
# libedit copies the names of functions that are added to it, and never frees them.
echo leak:wcsdup >"$WORK/leaks"
export LSAN_OPTIONS=suppressions=$WORK/leaks:print_suppressions=0

expect -f - <<'END'
set timeout 60
log_user 0
log_file -a -noappend $env(WORK)/log
proc fail {what why} {
    global env
    log_file
    puts "FAILED: $what: $why; the end of the session:"
    puts [exec tail -c 600 $env(WORK)/log | cat -v]
    exit 1
}
# Waits for pattern.
proc want {what pattern} {
    expect {
        -re $pattern {}
        timeout { fail $what "nothing of the kind came" }
        eof     { fail $what "the program ended" }
    }
}
proc start {args} {
    global spawn_id spawn_out env
    eval spawn $env(SUMI_PROGRAM) run $env(MODEL) -t 2 --temp 0 $args
    want "a prompt" {[\nl]\x1b\[\?2004h> $}
}
proc finish {what code} {
    expect { eof {} timeout { fail $what "it does not end" } }
    lassign [wait] pid id os status
    if {$os != 0 || $status != $code} { fail $what "exit code $status, not $code" }
}

# A conversation: an answer, a question about it, what was reused.
start -n 40
send "My name is Ada and I live in Rome. Say hello.\r"
want "an answer" {hello\.\r\n[^\x00]+[\nl]\x1b\[\?2004h> $}
send "In which city do I live?\r"
want "an answer" {live\?\r\n[^\x00]+[\nl]\x1b\[\?2004h> $}
send "/stats\r"
want "tokens of the first turn are reused" {2 answers: [0-9]+ prompt tokens computed in [0-9]+ ms, [1-9][0-9]+ reused}
want "a prompt" {[\nl]\x1b\[\?2004h> $}

# Commands.
send "/help\r";              want "help" {/regen[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/fly\r";               want "an unknown command" {there is no command /fly[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/set\r";               want "settings" {temp 0, top-k 40[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/set top-p 7\r";       want "a bad value" {top-p: 7 is not between 0 and 1[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/set max-tokens 12\r"; want "a prompt" {[\nl]\x1b\[\?2004h> $}
send "/regen\r";             want "another answer" {cut at --max-tokens[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/save $env(WORK)/talk.json\r"; want "saved" {4 messages saved[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/clear\r";             want "cleared" {new conversation[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/load $env(WORK)/talk.json\r"; want "loaded" {4 messages loaded[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/load /no/such/file\r"; want "an error goes on" {/no/such/file: No such file[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/system You are a pirate.\r"; want "a system message" {is set[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/clear\r";             want "cleared" {new conversation[^\x00]*[\nl]\x1b\[\?2004h> $}

# Messages of several lines.
send "This is one \\\r";     want "goes on" {\. $}
send "message.\r";           want "an answer" {[\nl]\x1b\[\?2004h> $}
send "\"\"\"\r";             want "goes on" {\. $}
send "first\r";              want "goes on" {\. $}
send "second\r";             want "goes on" {\. $}
send "\"\"\"\r";             want "an answer" {\n[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/save $env(WORK)/lines.json\r"; want "saved" {messages saved[^\x00]*[\nl]\x1b\[\?2004h> $}

# Pasted lines wait for Enter; control characters in them are not obeyed.
send "\033\[200~first\r\tsecond\rthi\033rd\033\[201~"
want "pasted lines are shown" {> first\r\n[^\x00]*\. \tsecond\r\n[^\x00]*\. third$}
send " line\r";               want "an answer" {line\r\n[^\x00]*\n[^\x00]*\x1b\[\?2004h> $}
send "one \033\[200~word\033\[201~ more\033\[200~\rend\r\033\[201~\r"
want "an answer" {end\r\n[^\x00]*\n[^\x00]*\x1b\[\?2004h> $}
send "/save $env(WORK)/paste.json\r"; want "saved" {messages saved[^\x00]*\n[^\x00]*\x1b\[\?2004h> $}

# Tab completes commands.
send "/st\t";                want "a command" {ats $}
send "\r";                   want "it runs" {answers: [^\x00]*\n[^\x00]*\x1b\[\?2004h> $}
send "/s\t";                 want "candidates" {/system  /set  /save  /stats[^\x00]*> /s$}
send "\025"

# A window of another size while a line that wraps is edited: the line is drawn anew.
send "[string repeat {abcd } 20]end"
want "a long line" {end$}
exec stty cols 40 rows 24 < $spawn_out(slave,name)
exec kill -WINCH [exp_pid]
want "it is drawn anew" {\x1b\[J> abcd [^\x00]*end$}
exec stty cols 80 rows 24 < $spawn_out(slave,name)
send "\025"

# Ctrl-C stops the answer, and the chat goes on.
send "/set max-tokens -1\r"; want "a prompt" {[\nl]\x1b\[\?2004h> $}
send "Write a very long story about the sea.\r"
# A line that is sent before the editor is ready is echoed twice, by the terminal and by the editor: only what is longer
# than the question is an answer.
want "it begins" {sea\.\r\n[^\x00]{80}}
send "\003"
want "Ctrl-C stops it" {\(stopped\)[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/set max-tokens 5\r";  want "a prompt" {[\nl]\x1b\[\?2004h> $}
send "Hi\r";                 want "it still answers" {Hi\r\n[^\x00]*[\nl]\x1b\[\?2004h> $}

# Ctrl-C at the prompt warns once; the second leaves.
send "half a line\003";      want "a warning" {Ctrl-C again[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/stats\r";             want "a command in between" {answers[^\x00]*[\nl]\x1b\[\?2004h> $}
send "\003";                 want "a warning again" {Ctrl-C again[^\x00]*[\nl]\x1b\[\?2004h> $}
send "\003"
finish "Ctrl-C twice" 0

# Ctrl-D leaves; the history is there next time.
start -n 5
send "\020";                 want "the last line of the last chat comes back" {/stats}
send "\025\004"
finish "Ctrl-D" 0

# A small context: the oldest turns go, nothing breaks; a message that is too long is refused.
start -n 60 --ctx 160 --system "Be brief."
for {set i 0} {$i < 4} {incr i} {
    send "Tell me something about the number $i, the moon and the sea, please.\r"
    want "turn $i in a small context" {please\.\r\n[^\x00]*[\nl]\x1b\[\?2004h> $}
}
send "[string repeat {word } 300]\r"
want "a message that is too long" {context holds 160[^\x00]*[\nl]\x1b\[\?2004h> $}
send "Hi\r";                 want "the chat goes on" {Hi\r\n[^\x00]*[\nl]\x1b\[\?2004h> $}
send "/exit\r"
finish "/exit" 0

# A history that cannot be read is told of, and stays as it is.
set env(XDG_STATE_HOME) $env(WORK)/other
file mkdir $env(WORK)/other/sumi
exec echo "not a history" >$env(WORK)/other/sumi/history
start -n 5
send "/exit\r"
finish "a chat with a history that is none" 0
if {[exec cat $env(WORK)/other/sumi/history] ne "not a history"} { fail "a file that is no history" "it is overwritten" }
file delete $env(WORK)/other/sumi/history
file link $env(WORK)/other/sumi/history /dev/null
start -n 5
send "/exit\r"
finish "a chat without a history" 0
END
status=$?
[ $status = 0 ] || exit $status
grep -q '"content": "This is one \\nmessage."' "$WORK/lines.json" || { echo "FAILED: backslash joins lines"; exit 1; }
grep -q '"content": "first\\nsecond"' "$WORK/lines.json" || { echo 'FAILED: """ joins lines'; exit 1; }
grep -q '"content": "first\\n\\tsecond\\nthird line"' "$WORK/paste.json" || { echo 'FAILED: pasted lines are one message'; exit 1; }
grep -q '"content": "one word more\\nend\\n"' "$WORK/paste.json" || grep -q '"content": "one word more\\nend"' "$WORK/paste.json" || { echo 'FAILED: typed and pasted text go together'; exit 1; }
[ -L "$WORK/other/sumi/history" ] && [ -c /dev/null ] || { echo "FAILED: a link to /dev/null is replaced"; exit 1; }
grep -q 'history: .*cannot be read; it stays as it is' "$WORK/log" || { echo "FAILED: nothing is said of a history that cannot be read"; exit 1; }
[ "$(stat -c %a "$WORK/state/sumi/history")" = 600 ] || { echo "FAILED: the history is not private"; exit 1; }
