//! Cube maps: which face a direction meets, and where (CUDA C++ Programming Guide, "Cubemap Textures").

/// The face, in the order +x, -x, +y, -y, +z, -z, and the coordinates on it, each in [0, 1].
pub(super) fn face(direction: [f64; 3]) -> (u32, [f64; 2]) {
    let [x, y, z] = direction;
    let [ax, ay, az] = direction.map(f64::abs);
    // (face, length of the main axis, s, t)
    let (face, main, s, t) = if ax >= ay && ax >= az {
        if x >= 0.0 { (0, ax, -z, -y) } else { (1, ax, z, -y) }
    } else if ay >= az {
        if y >= 0.0 { (2, ay, x, z) } else { (3, ay, x, -z) }
    } else if z >= 0.0 {
        (4, az, x, -y)
    } else {
        (5, az, -x, -y)
    };
    let place = |coordinate: f64| if main > 0.0 { (coordinate / main + 1.0) / 2.0 } else { 0.5 };
    (face, [place(s), place(t)])
}
