# Completion for fish. What can follow is asked of onehopctl, which knows its verbs, options, accounts
# and providers.

function __onehop_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l name (string replace -r '.*/' '' -- $words[1])
    for line in (onehopctl complete $name $words[2..-1] "$typed" 2>/dev/null)
        if string match -q '*:file*' -- $line
            __fish_complete_path (string replace -r -- '^--[^=]*=' '' $typed)
        else
            echo $line
        end
    end
end

for name in onehop onehopctl
    complete --command $name --no-files --arguments '(__onehop_complete)'
end
# Other programs have these names, too.
for name in sendmail mailq msmtp
    set -l program (command --search $name)
    if test -n "$program"; and string match -q '*/onehop' -- (realpath $program)
        complete --command $name --no-files --arguments '(__onehop_complete)'
    end
end
