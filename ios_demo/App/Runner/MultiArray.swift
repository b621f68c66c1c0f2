import CoreML
import GestureCore

/// Between the core's tensors and Core ML's arrays, whose rows may have gaps and whose numbers may be of 16 bits.
enum MultiArray {
    static func make(_ tensor: Tensor) throws -> MLMultiArray {
        guard case .float32(let values) = tensor.elements else {
            throw DemoError("Core ML takes real numbers; export the model again")
        }
        let array = try MLMultiArray(shape: tensor.shape.map { NSNumber(value: $0) }, dataType: .float32)
        array.withUnsafeMutableBytes { bytes, _ in
            values.withUnsafeBytes { bytes.copyMemory(from: $0) }
        }
        return array
    }

    static func tensor(_ array: MLMultiArray, shape: [Int]) throws -> Tensor {
        let found = array.shape.map(\.intValue)
        guard found == shape else { throw DemoError("an output came as \(found), not \(shape)") }
        let strides = array.strides.map(\.intValue)
        let values: [Float] = try array.withUnsafeBytes { bytes in
            switch array.dataType {
            case .float32: return read(bytes.bindMemory(to: Float.self), shape, strides) { $0 }
            case .float16: return read(bytes.bindMemory(to: Float16.self), shape, strides) { Float($0) }
            default: throw DemoError("an output is of a type that the app does not read")
            }
        }
        return Tensor(shape: shape, elements: .float32(values))
    }

    private static func read<Element>(
        _ memory: UnsafeBufferPointer<Element>, _ shape: [Int], _ strides: [Int], _ convert: (Element) -> Float
    ) -> [Float] {
        if StridedElements.areContiguous(shape: shape, strides: strides) {
            return memory.prefix(shape.reduce(1, *)).map(convert)
        }
        return StridedElements.inOrder(shape: shape, strides: strides) { convert(memory[$0]) }
    }
}
