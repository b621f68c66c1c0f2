/// Elements of an array with any strides, as Core ML gives them, in C order.
public enum StridedElements {
    /// - Parameters:
    ///   - strides: of each axis, in elements.
    ///   - read: the element at a place, counted in elements from the array's beginning.
    public static func inOrder<Element>(shape: [Int], strides: [Int], read: (Int) -> Element) -> [Element] {
        precondition(shape.count == strides.count)
        var places = [0]
        for (length, stride) in zip(shape, strides) {
            places = places.flatMap { place in (0..<length).map { place + $0 * stride } }
        }
        return places.map(read)
    }

    /// Whether the elements lie one after the other in C order.
    public static func areContiguous(shape: [Int], strides: [Int]) -> Bool {
        var wanted = 1
        for (length, stride) in zip(shape, strides).reversed() {
            if length > 1 && stride != wanted { return false }
            wanted *= length
        }
        return true
    }
}
