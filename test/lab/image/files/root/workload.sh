# What a Pi does all day, so that a test can disturb it: it appends numbered records to a file on its root and to one on
# its disk, and reads each back. Sourced by init, which names in $workload the file that says when to stop.

# A record is one block, as a direct read on the disk wants it.
RECORD=512

# Says what went wrong and stays.
io_error() {
  say "io-error $* ($(tr '\n' ' ' < /run/lab/io))"
  dmesg | tail -n 30
  rest
}

# append_record N FILE: it is on the server, or in the disk, when this returns.
append_record() {
  printf "%-$((RECORD - 1))s\n" "$1" |
    dd of="$2" bs=$RECORD oflag=append conv=notrunc,fsync 2> /run/lab/io || io_error "append $1 to $2"
}

# check_record N FILE: reads it back past the guest's own memory.
check_record() {
  dd if="$2" of=/run/lab/record bs=$RECORD skip=$(($1 - 1)) count=1 iflag=direct 2> /run/lab/io || io_error "read $1 of $2"
  read -r got < /run/lab/record || io_error "record $1 of $2 is none"
  [ "$got" = "$1" ] || io_error "record $1 of $2 is $got"
}

# insist_on_record N FILE: written in its place until the server takes it; says when it is refused first, and when it no longer is.
insist_on_record() {
  refused=
  until printf "%-$((RECORD - 1))s\n" "$1" | dd of="$2" bs=$RECORD seek=$(($1 - 1)) conv=notrunc,fsync 2> /run/lab/io; do
    grep -q -E 'Read-only file system|No space left' /run/lab/io || io_error "write $1 to $2"
    [ "$refused" ] || say "io-refused $1"
    refused=yes
    sleep 0.2
  done
  [ -z "$refused" ] || say "io-accepted $1"
}

# work_until_stopped FOLDER: until $workload says stop; says how far it came, and how many errors the kernel saw. While it says
# `insist`, another file of the root is written to, and the disk is left alone.
work_until_stopped() {
  count=0
  insisted=0
  say io-started
  while word=$(cat "$workload" 2> /run/lab/io) && [ "$word" != stop ]; do
    if [ "$word" = insist ]; then
      insisted=$((insisted + 1))
      insist_on_record "$insisted" /var/log/insisted
      check_record "$insisted" /var/log/insisted
      [ $((insisted % 5)) = 0 ] && say "insisted $insisted"
      continue
    fi
    count=$((count + 1))
    for file in /var/log/io "$1/io"; do
      append_record "$count" "$file"
      check_record "$count" "$file"
    done
    [ $((count % 5)) = 0 ] && say "io $count"
  done
  [ "$word" = stop ] || io_error "read $workload"
  say "io-done $count kernel-errors $(dmesg | grep -c -i -E 'i/o error|ext4-fs error|stale|corrupt')"
}
