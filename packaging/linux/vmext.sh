#!/bin/sh
# Starts vmext with the Python beside it, from wherever this file lies and through links to it. -I: nothing of the
# environment, the working folder or the user's own folder changes what runs.
self=$0
case $self in */*) ;; *) self=./$self ;; esac
while [ -L "$self" ]; do
    link=$(command -p readlink "$self") # wherever the system has it: PATH may be empty
    case $link in
        /*) self=$link ;;
        *) self=${self%/*}/$link ;;
    esac
done
here=$(CDPATH='' cd -- "${self%/*}/.." && pwd -P) || exit 3
exec "$here/python/bin/python3" -I "$here/python/lib/python3.13/site-packages/collector/__main__.pyc" "$@"
