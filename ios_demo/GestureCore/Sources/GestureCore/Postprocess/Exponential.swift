/// e to the power of x, for x <= 0: the Taylor polynomial of degree 8 at x / 1024, squared ten times; 0 below -64.
///
/// The same bits on every platform, which a library's function does not give.
func exponential(_ power: Double) -> Double {
    if power < -64 { return 0 }
    let small = power / 1024
    var result = 1.0
    for degree in stride(from: 8.0, through: 1.0, by: -1.0) {
        result = 1 + result * small / degree
    }
    for _ in 0..<10 {
        result *= result
    }
    return result
}
