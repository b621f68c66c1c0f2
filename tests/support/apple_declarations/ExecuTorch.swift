// What the app uses of ExecuTorch's Swift package.
@_exported import Foundation

public protocol Scalar {}
extension Int8: Scalar {}
extension Float: Scalar {}
public protocol ValueConvertible {}
public protocol ValueSequenceConstructible {}
public final class Tensor<T: Scalar>: ValueConvertible {
    public init(_ scalars: [T], shape: [Int] = [], strides: [Int] = []) {}
    public var count: Int { 0 }
    public func scalars() -> [T] { [] }
}
public final class Value: ValueConvertible {
    public func tensor<T: Scalar>() -> Tensor<T>? { nil }
}
public enum ModuleLoadMode { case file, mmap, mmapUseMlock, mmapUseMlockIgnoreErrors }
public final class Module {
    public init(filePath: String, loadMode: ModuleLoadMode = .file) {}
    public func load(_ method: String) throws {}
    public func forward(_ inputs: [any ValueConvertible]) throws -> [Value] { [] }
    public func forward(_ inputs: any ValueConvertible...) throws -> [Value] { [] }
    public func forward<Output: ValueSequenceConstructible>(_ inputs: [any ValueConvertible]) throws -> Output {
        fatalError()
    }
}
