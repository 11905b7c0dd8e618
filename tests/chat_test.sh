#!/bin/sh
# lfm chat in a terminal: tmux presses the keys, and the screen is read.
set -u
bin=${LFM_BIN:-build/release/lfm}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
model=$PWD/models/lfm-stories-Q4_0.gguf
if ! command -v tmux >/dev/null 2>&1; then
    echo "skip: no tmux"
    exit 0
fi
work=$(mktemp -d) || exit 1
socket=lfm-test-$$
t() { tmux -L "$socket" -f /dev/null "$@"; }
trap 't kill-server 2>/dev/null; rm -rf "$work"' EXIT
export XDG_STATE_HOME="$work/state" TERM=xterm-256color
unset LFM_MODEL LFM_NOHISTORY VISUAL
mkdir "$work/home"
cd "$work/home" || exit 1
n_passed=0
n_servers=0

fail() {
    echo "FAIL: $*"
    t capture-pane -p
    exit 1
}

# Wait until the screen has a line that matches; $2 = what is tested.
see() {
    i=0
    while ! t capture-pane -p -J 2>/dev/null | grep -Eq -- "$1"; do
        i=$((i + 1))
        [ $i -gt 300 ] && fail "$2: the screen has no '$1'"
        sleep 0.05
    done
    n_passed=$((n_passed + 1))
}

see_not() {
    t capture-pane -p -J | grep -Eq -- "$1" && fail "$2: the screen has '$1'"
    n_passed=$((n_passed + 1))
}

keys() { t send-keys "$@"; }

# Another server: the last one may still be on its way out.
fresh() {
    t kill-server 2>/dev/null
    n_servers=$((n_servers + 1))
    socket=lfm-test-$$-$n_servers
}

# A shell that says how the program ended, and whether it got its terminal back.
begin() {
    fresh
    t new-session -d -x 60 -y 40 "stty -a >$work/before; $* ; echo EXIT \$?; stty -a >$work/after; exec sleep 1000"
}

same_terminal() {
    see 'EXIT' "$1"
    i=0
    while [ ! -s "$work/after" ] && [ $i -lt 100 ]; do
        i=$((i + 1))
        sleep 0.05
    done
    cmp -s "$work/before" "$work/after" || fail "$1: the terminal is not as it was"
    rm -f "$work/after"
    n_passed=$((n_passed + 1))
}

chat="$bin chat $model --temp 0 -s 1 -t 1"

# ---- A conversation, and leaving
begin "$chat -n 12"
see '^>' start
keys 'Tell me a story.' Enter
see '12 tok .* ctx' 'an answer'
keys '/stats' Enter
see 'prompt [0-9]+ tok \(0 known\)' '/stats'
keys 'And then?' Enter
see 'prompt [0-9]+ tok \([1-9][0-9]* known\)' 'the second turn knows the first'
keys '/undo' Enter
see '> And then\?$' '/undo gives the message back'
keys C-u '/show context' Enter
see '^2 messages' '/undo'
keys '/regen' Enter
keys '/sav' Enter
see 'unknown command /sav. Did you mean /save' 'a mistyped command'
keys '/save talk.lfm' Enter
see 'saved; continue with' '/save'
keys '/set temp 0.5' Enter '/show params' Enter
see 'temp +0.5' '/set'
keys '/set temp hot' Enter
see "'hot' is not a number" '/set with nonsense'
keys '/system Speak plainly.' Enter '/raw' Enter
see 'Speak plainly' '/system and /raw'
keys '/clear' Enter
see 'cleared' '/clear'
keys '/load talk.lfm' Enter
see '^2 messages, [0-9]+ tokens' '/load'
keys C-d
same_terminal 'Ctrl-D'
see 'EXIT 0' 'Ctrl-D'
[ "$(stat -c %a talk.lfm)" = 600 ] || fail 'a session file must be private'
[ "$(stat -c %a "$XDG_STATE_HOME/lfm/history")" = 600 ] || fail 'the history must be private'
grep -q '^Tell me a story.$' "$XDG_STATE_HOME/lfm/history" || fail 'the history lacks a line'

# ---- Editing
begin "$chat -n 1"
see '^>' start
keys 'wrold' Left Left Left C-t C-e '!' C-a 'hello ' C-k
see '^> hello $' 'moving and killing'
keys C-y
see '^> hello world!$' 'Ctrl-Y'
keys C-w C-w 'one two' M-b M-d
see '^> one $' 'words'
keys C-u 'first' M-Enter 'second' Up C-a 'X'
see '^> Xfirst$' 'a message of two lines'
see '^\. second$' 'a message of two lines'
keys C-c
keys Up
see '^> /load talk.lfm$' 'the history of the last run'
keys C-c C-r 'story'
see '^\(search\) story: Tell me a story' 'search'
keys Right '?' Home BSpace
see '^> Tell me a story.\?$' 'what was found can be edited'
keys C-c
# 60 columns: a text of 100 characters takes two rows, and the cursor is where it belongs.
keys "$(printf 'abcdefghij%.0s' 1 2 3 4 5 6 7 8 9 10)" C-a 'Q' C-e 'R'
see '^> Qabcdefghij.*abcdefghijR$' 'a long line'
keys C-u '漢字かな' BSpace Left BSpace 'é'
see '^> 漢éか$' 'wide characters'
keys C-c '"""one' Enter 'two' Enter '"""' Enter
see '1 tok ' 'a block'
keys Up
see '^\. two$' 'a block is one message'
keys C-c
t set-buffer "$(printf 'pasted 1\npasted 2\n')"
t paste-buffer -p
see '^\. pasted 2$' 'a paste is one message'
keys C-c C-c C-c
same_terminal 'Ctrl-C twice'
see 'EXIT 130' 'Ctrl-C twice'

# ---- The editor of the user
# shellcheck disable=SC2016 # that is for the editor's own shell
printf '#!/bin/sh\nprintf " and more" >>"$1"\n' >ed.sh
chmod +x ed.sh
begin "EDITOR=$work/home/ed.sh $chat -n 1"
see '^>' start
keys 'text' C-g
see '^> text and more$' 'Ctrl-G'
keys Enter
see '1 tok ' 'Ctrl-G'
keys '/read ed.sh' Enter
see 'will come before your next message' '/read'
keys 'What is this?' Enter '/raw' Enter
see 'printf' '/read'
keys '/bye' Enter
same_terminal '/bye'

# ---- Signals
begin "$chat --ignore-eos --on-overflow shift"
see '^>' start
keys 'Go on.' Enter
sleep 0.3
keys C-c
see 'stopped' 'Ctrl-C stops an answer'
see '^> *$' 'and the conversation goes on'
keys 'And on.' Enter
sleep 0.3
pkill -TERM -f "^$bin chat" || fail 'no process'
same_terminal SIGTERM
see 'EXIT 143' SIGTERM

for signal in HUP SEGV ABRT; do
    begin "$chat"
    see '^>' start
    keys 'half a line'
    see 'half a line' start
    pkill -$signal -f "^$bin chat" || fail 'no process'
    same_terminal "SIG$signal"
done

# Suspended and continued: the shell has its terminal in between, and the line is still there.
fresh
t new-session -d -x 60 -y 40 "bash --norc --noprofile -i"
sleep 0.2
keys "PS1='shell% '; stty -a >$work/before" Enter "$chat" Enter
see '^> *$' start
keys 'half'
see '^> half' start
keys C-z
see 'Stopped' 'Ctrl-Z'
keys "stty -a >$work/after" Enter
i=0
while [ ! -s "$work/after" ] && [ $i -lt 100 ]; do i=$((i + 1)); sleep 0.05; done
cmp -s "$work/before" "$work/after" || fail 'Ctrl-Z: the terminal is not as it was'
keys 'fg' Enter
sleep 0.2
keys ' a line'
see 'half a line' 'fg'
keys C-c C-d
see 'shell% *$' 'the end'

# ---- Beginnings
begin "echo 'A first message.' | $chat -n 3 --session s.lfm"
see '3 tok ' 'a message from a pipe'
keys C-d
same_terminal 'a pipe'
begin "$chat -n 3 --session s.lfm"
see '2 messages so far' '--session'
keys C-d
same_terminal '--session'

# ---- No terminal
setsid "$bin" chat "$model" </dev/null >out 2>err
[ $? -eq 2 ] || fail 'without a terminal: exit status'
grep -q '^lfm: lfm chat needs a terminal, and there is no terminal' err || fail "$(cat err)"
[ ! -s out ] || fail 'without a terminal: output'
echo "$((n_passed + 6)) checks passed"
