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

# work_until_stopped FOLDER: until $workload says stop; says how far it came, and how many errors the kernel saw.
work_until_stopped() {
  count=0
  say io-started
  while word=$(cat "$workload" 2> /run/lab/io) && [ "$word" != stop ]; do
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
