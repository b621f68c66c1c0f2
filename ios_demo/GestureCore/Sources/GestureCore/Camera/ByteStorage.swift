/// Memory that holds a plane of a frame; it stays valid while the object lives.
public protocol ByteStorage: AnyObject {
    var bytes: UnsafeRawBufferPointer { get }
}

/// A plane in memory of its own.
public final class OwnedBytes: ByteStorage {
    private let memory: UnsafeMutableRawBufferPointer

    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(memory) }

    public init(_ content: [UInt8]) {
        memory = .allocate(byteCount: content.count, alignment: 1)
        memory.copyBytes(from: content)
    }

    deinit {
        memory.deallocate()
    }
}
