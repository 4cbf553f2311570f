-- What program.py does.

select category, name, count(*) from slice group by category, name order by category, name;
--> allocation | device | 1
--> copy | host to device | 1
--> execution | first(float*) | 3000
--> execution | second | 1500
--> free | device | 1
--> launch | first(float*) | 3000
--> launch | second | 1500
--> load | module | 1
--> synchronisation | context | 1

-- Every launch is of the same size. Numbers are numbers in the table of arguments, texts are texts.
select key, string_value, int_value, count(*) from slice join args using (arg_set_id)
where category in ('launch', 'execution') and key in ('debug.grid', 'debug.block', 'debug.dynamic shared bytes')
group by key, string_value, int_value order by key;
--> debug.block | 64 x 1 x 1 | null | 9000
--> debug.dynamic shared bytes | null | 256 | 9000
--> debug.grid | 3 x 2 x 1 | null | 9000

-- The tracks are a thread, a stream, and the memory of devices with its unit.
select process_track.name from process_track join slice on process_track.id = track_id group by process_track.id;
--> device 0, context 1, stream 0x0
select thread.name, count(*) from slice join thread_track on thread_track.id = track_id join thread using (utid) group by utid;
--> thread 0 | 4505
select process_counter_track.name, unit, value from counter join process_counter_track on process_counter_track.id = track_id order by ts;
--> memory of devices | bytes | 1048576
--> memory of devices | bytes | 0
