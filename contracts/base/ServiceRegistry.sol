// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ERC165Checker} from "@openzeppelin/contracts/utils/introspection/ERC165Checker.sol";

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {IServing} from "../interfaces/IServing.sol";
import {IServingFunds} from "../interfaces/IServingFunds.sol";

/// @title The services that a ledger knows, by address, by name and by type.
abstract contract ServiceRegistry is ILedgerManager, Ownable2Step {
    uint256 public constant MAX_SERVICES = 500;

    /// @dev What cannot be derived; `fullName` is `serviceType-version`.
    struct Registration {
        string serviceType;
        string version;
        string description;
        uint64 registeredAt;
    }

    address[] internal _services;
    mapping(address service => Registration) private _registrations;
    mapping(bytes32 nameHash => address service) private _byName;
    mapping(bytes32 typeHash => address service) private _recommended;

    /* REGISTRATION */

    /// @inheritdoc ILedgerManager
    function registerService(
        string memory serviceType,
        string memory version,
        address serviceAddress,
        string memory description
    ) external onlyOwner {
        // Check
        if (serviceAddress == address(0)) revert InvalidServiceAddress(serviceAddress);
        if (bytes(serviceType).length == 0) revert ServiceTypeRequired();
        if (bytes(version).length == 0) revert VersionRequired();
        if (_isRegistered(serviceAddress)) revert ServiceAlreadyRegistered(serviceAddress);
        string memory fullName = _fullName(serviceType, version);
        bytes32 nameHash = keccak256(bytes(fullName));
        if (_byName[nameHash] != address(0)) revert ServiceNameExists(fullName);
        if (!_answersAsService(serviceAddress)) revert ServiceMustImplementIServing(serviceAddress);
        if (_services.length >= MAX_SERVICES) revert ServiceRegistryLimitReached(MAX_SERVICES);

        // Effect
        _services.push(serviceAddress);
        _byName[nameHash] = serviceAddress;
        _registrations[serviceAddress] =
            Registration(serviceType, version, description, uint64(block.timestamp));
        emit ServiceRegistered(serviceAddress, fullName);
    }

    /// @inheritdoc ILedgerManager
    function setRecommendedService(string memory serviceType, string memory version) external onlyOwner {
        address service = _serviceNamed(_fullName(serviceType, version));
        _recommended[keccak256(bytes(serviceType))] = service;
        emit RecommendedServiceUpdated(serviceType, version, service);
    }

    /* VIEWS */

    /// @inheritdoc ILedgerManager
    function getServiceInfo(address serviceAddress) public view returns (ServiceInfo memory) {
        ServiceInfo memory info;
        if (!_isRegistered(serviceAddress)) return info;
        Registration storage registration = _registrations[serviceAddress];
        info.serviceAddress = serviceAddress;
        info.serviceContract = serviceAddress;
        info.serviceType = registration.serviceType;
        info.version = registration.version;
        info.fullName = _fullName(info.serviceType, info.version);
        info.description = registration.description;
        info.isRecommended = _isRecommended(info.serviceType, serviceAddress);
        info.registeredAt = registration.registeredAt;
        return info;
    }

    /// @inheritdoc ILedgerManager
    function getServiceAddressByName(string memory serviceName) external view returns (address) {
        return _byName[keccak256(bytes(serviceName))];
    }

    /// @inheritdoc ILedgerManager
    function getAllActiveServices() external view returns (ServiceInfo[] memory) {
        ServiceInfo[] memory infos = new ServiceInfo[](_services.length);
        for (uint256 i; i < infos.length; ++i) {
            infos[i] = getServiceInfo(_services[i]);
        }
        return infos;
    }

    /// @inheritdoc ILedgerManager
    function getRecommendedService(string memory serviceType)
        external
        view
        returns (string memory version, address serviceAddress)
    {
        serviceAddress = _recommended[keccak256(bytes(serviceType))];
        if (serviceAddress == address(0)) revert NoRecommendedService(serviceType);
        version = _registrations[serviceAddress].version;
    }

    /// @inheritdoc ILedgerManager
    function getAllVersions(string memory serviceType)
        external
        view
        returns (string[] memory versions, address[] memory addresses, bool[] memory isRecommendedFlags)
    {
        uint256 count;
        for (uint256 i; i < _services.length; ++i) {
            if (_isOfType(_services[i], serviceType)) ++count;
        }

        versions = new string[](count);
        addresses = new address[](count);
        isRecommendedFlags = new bool[](count);
        uint256 found;
        for (uint256 i; i < _services.length; ++i) {
            address service = _services[i];
            if (!_isOfType(service, serviceType)) continue;
            versions[found] = _registrations[service].version;
            addresses[found] = service;
            isRecommendedFlags[found++] = _isRecommended(serviceType, service);
        }
    }

    /// @inheritdoc ILedgerManager
    function isRecommendedVersion(string memory serviceType, string memory version)
        external
        view
        returns (bool)
    {
        address service = _byName[keccak256(bytes(_fullName(serviceType, version)))];
        return service != address(0) && _isRecommended(serviceType, service);
    }

    /* INTERNALS */

    function _isRegistered(address service) internal view returns (bool) {
        return _registrations[service].registeredAt != 0;
    }

    function _serviceNamed(string memory serviceName) internal view returns (address service) {
        service = _byName[keccak256(bytes(serviceName))];
        if (service == address(0)) revert ServiceNotFound(address(0));
    }

    function _isOfType(address service, string memory serviceType) private view returns (bool) {
        // slither-disable-next-line incorrect-equality: equal texts
        return keccak256(bytes(_registrations[service].serviceType)) == keccak256(bytes(serviceType));
    }

    function _isRecommended(string memory serviceType, address service) private view returns (bool) {
        return _recommended[keccak256(bytes(serviceType))] == service;
    }

    function _answersAsService(address service) private view returns (bool) {
        return ERC165Checker.supportsInterface(service, type(IServing).interfaceId)
            && ERC165Checker.supportsInterface(service, type(IServingFunds).interfaceId);
    }

    function _fullName(string memory serviceType, string memory version)
        private
        pure
        returns (string memory)
    {
        return string.concat(serviceType, "-", version);
    }
}
