-- What holds for the trace of any program on the software GPU. After each query its rows: `$` and a name stand for what the report says.

-- The trace processor finds fault with nothing. Names it does not know and packets it skips are of severity `info`, so all counts are looked at.
select name, value from stats where value <> 0 and name not like '%duration_ns';

-- A launch is a slice, and what the device did for it another.
select count(*) filter (where category = 'launch'), count(*) filter (where category = 'execution') from slice;
--> $launches | $timed_launches

-- Interned names are those of the kernels.
select name, count(*) from slice where category = 'launch' group by name order by name;
--> $kernels

-- Each slice has a name and ends; of what a device does in a stream one thing follows the other.
select count(*) from slice where name is null or dur is null or dur < 0 or (category = 'execution' and depth > 0);
--> 0

-- Calls stand on tracks of the process's threads.
select count(*) from slice join thread_track on thread_track.id = track_id join thread using (utid) join process using (upid)
where category = 'launch' and pid = $process and thread.name like 'thread %';
--> $launches

-- What devices do stands on tracks of their streams, which are the process's.
select count(*) from slice join process_track on process_track.id = track_id join process using (upid)
where category = 'execution' and pid = $process and process_track.name like 'device 0, context %, stream 0x%';
--> $timed_launches

-- Both have sizes that can be read.
select count(*) from slice where category in ('launch', 'execution')
and extract_arg(arg_set_id, 'debug.grid') like '_% x _% x _%' and extract_arg(arg_set_id, 'debug.block') like '_% x _% x _%'
and extract_arg(arg_set_id, 'debug.registers') > 0 and extract_arg(arg_set_id, 'debug.theoretical occupancy') like '% \%' escape '\';
--> $slices

-- An arrow leads from each launch to its execution, which begins later, and nowhere else.
select count(*), count(*) filter (
    where launch.category = 'launch' and execution.category = 'execution' and launch.ts < execution.ts and launch.name = execution.name
    and extract_arg(launch.arg_set_id, 'debug.correlation') = extract_arg(execution.arg_set_id, 'debug.correlation')
) from flow join slice launch on launch.id = slice_out join slice execution on execution.id = slice_in;
--> $timed_launches | $timed_launches
