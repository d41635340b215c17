-- When a source is moving, stopped, parked. A source without a row has the defaults. The same table stands in
-- ../sqlite under the same number.

CREATE TABLE trip_detection (
    source_id BIGINT PRIMARY KEY REFERENCES sources (id),
    min_idle_duration_minutes BIGINT NOT NULL CHECK (min_idle_duration_minutes BETWEEN 1 AND 1440),
    idle_speed_threshold BIGINT NOT NULL CHECK (idle_speed_threshold BETWEEN 0 AND 200),
    ignition_aware BIGINT NOT NULL CHECK (ignition_aware IN (0, 1)),
    motion_sensor_aware BIGINT NOT NULL CHECK (motion_sensor_aware IN (0, 1))
);
