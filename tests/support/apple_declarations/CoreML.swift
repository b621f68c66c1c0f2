// What the app uses of Core ML.
@_exported import Foundation

public enum MLComputeUnits: Sendable { case cpuOnly, cpuAndGPU, all, cpuAndNeuralEngine }
public final class MLModelConfiguration {
    public init() {}
    public var computeUnits: MLComputeUnits {
        get { .all }
        set {}
    }
}
public enum MLMultiArrayDataType: Int, Sendable { case double, float32, float16, int32, int8 }
public final class MLMultiArray {
    public init(shape: [NSNumber], dataType: MLMultiArrayDataType) throws {}
    public var shape: [NSNumber] { [] }
    public var strides: [NSNumber] { [] }
    public var dataType: MLMultiArrayDataType { .float32 }
    public func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R { fatalError() }
    public func withUnsafeMutableBytes<R>(
        _ body: (UnsafeMutableRawBufferPointer, [Int]) throws -> R
    ) rethrows -> R { fatalError() }
}
public final class MLFeatureValue {
    public var multiArrayValue: MLMultiArray? { nil }
}
public protocol MLFeatureProvider: AnyObject {
    func featureValue(for name: String) -> MLFeatureValue?
}
public final class MLDictionaryFeatureProvider: MLFeatureProvider {
    public init(dictionary: [String: Any]) throws {}
    public func featureValue(for name: String) -> MLFeatureValue? { nil }
}
@available(iOS 18.0, *)
public final class MLState {}
public final class MLModel {
    public init(contentsOf url: URL, configuration: MLModelConfiguration) throws {}
    @available(iOS 18.0, *)
    public func makeState() -> MLState { fatalError() }
    public func prediction(from features: any MLFeatureProvider) throws -> any MLFeatureProvider { fatalError() }
    public func prediction(from features: any MLFeatureProvider) async throws -> any MLFeatureProvider { fatalError() }
    @available(iOS 18.0, *)
    public func prediction(from features: any MLFeatureProvider, using state: MLState) throws -> any MLFeatureProvider {
        fatalError()
    }
    @available(*, noasync)
    public class func compileModel(at url: URL) throws -> URL { fatalError() }
    public class func compileModel(at url: URL) async throws -> URL { fatalError() }
}
